/** The studies that come with this program; in a file of its own, since the command line needs no more of them. */
export const TEMPLATES = ['lung-nodule', 'breast-ultrasound'] as const;
export type TemplateName = (typeof TEMPLATES)[number];
