/** Codes of PostgreSQL's errors that more than one place asks for; see its appendix A. */
export const LOCK_NOT_AVAILABLE = "55P03";
/** Cancelled, also by statement_timeout. */
export const QUERY_CANCELED = "57014";
export const INVALID_SCHEMA = "3F000";
export const UNDEFINED_TABLE = "42P01";
