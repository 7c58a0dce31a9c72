/** What makes certificates, apart so that it is loaded only where one is missing: its ASN.1 library takes longer than the rest. */
export { createAuthority, issueCertificate } from '@consilium/identity';
