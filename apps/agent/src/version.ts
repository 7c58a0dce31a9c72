/** The release of this program, as the site’s log and the coordinator’s are told it. */
export const VERSION = '0.1.0';
export const SOFTWARE = `consilium-agent/${VERSION}`;
