import { mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.js';

export default mergeConfig(shared('coordinator'), { test: { globalSetup: ['src/fixtures/build.fixture.ts'] } });
