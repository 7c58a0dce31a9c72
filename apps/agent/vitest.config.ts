import { mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.js';

export default mergeConfig(shared('agent'), { test: { globalSetup: ['src/build.fixture.ts'] } });
