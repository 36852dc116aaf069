-- Schemas and the advisory locks that jobs and psql users share.
-- Three rules for all files:
-- 1. Functions and views are bound to the server's own functions and operators when they are made: begin atomic for SQL, a
--    fixed search_path for plpgsql. A body that is kept as text is read at each call by the search_path of the caller, and a
--    role that may create a function in a schema of that path would run code as the caller.
-- 2. No literal has a backslash: the server reads a file as a whole, by the session's standard_conforming_strings.
-- 3. A later file that changes a function or view first drops what depends on it.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

create schema if not exists r3a;
create schema if not exists r3a_util;

-- The old system has functions of these names with the result void; the type of a result cannot be replaced.
drop function if exists r3a_util.release_lock(text, text);
drop function if exists r3a_util.acquire_lock(text, text);

-- One bigint: the first 8 bytes of SHA-256. The runner computes the same number, so runner and psql exclude each other. With
-- a null key the lock functions would return null, which a caller can take for success: so a null key is an error.
create or replace function r3a_util.lock_key(_scope text, _key text) returns bigint
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp set standard_conforming_strings = on
as $$
begin
  if _scope is null or _key is null then
    raise exception 'a lock needs a scope and a key, got (%, %)', _scope, _key using errcode = '22004';
  end if;
  return ('x' || substr(encode(sha256(convert_to('r3a:v1:' || _scope || ':' || _key, 'UTF8')), 'hex'), 1, 16))::bit(64)::bigint;
end
$$;

-- A lock of the session: hold one connection open for the whole work; the lock ends with the connection.
create or replace function r3a_util.acquire_lock(_scope text, _key text) returns boolean
language sql volatile
begin atomic
  select pg_try_advisory_lock(r3a_util.lock_key(_scope, _key));
end;

-- False (and a warning) when this session did not hold the lock: the caller's work was not protected.
create or replace function r3a_util.release_lock(_scope text, _key text) returns boolean
language sql volatile
begin atomic
  select pg_advisory_unlock(r3a_util.lock_key(_scope, _key));
end;
