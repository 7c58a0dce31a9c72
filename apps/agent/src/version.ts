/** The release of this program, as the journal and the coordinator's log are told it. */
export const VERSION = '0.1.0';
export const SOFTWARE = `consilium-agent/${VERSION}`;
