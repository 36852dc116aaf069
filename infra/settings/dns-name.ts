/** A DNS label: a-z, 0-9 and - only, 63 characters at most. */
export const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** Labels with dots between them. */
export const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** The most characters of a subdomain. */
export const LONGEST_SUBDOMAIN = 253;
