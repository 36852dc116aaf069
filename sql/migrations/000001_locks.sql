-- Schemas and the advisory locks that jobs and psql users share.

select pg_advisory_xact_lock(7020390112350);

create schema if not exists r3a;
create schema if not exists r3a_util;

-- The old functions took the same names with a void result; a return type cannot be replaced.
drop function if exists r3a_util.release_lock(text, text);
drop function if exists r3a_util.acquire_lock(text, text);

-- One bigint: the first 8 bytes of SHA-256. Computed alike in the runner, so both exclude each other. A key that is
-- null would be "not false" for a caller and so taken for a lock that is held: it is an error instead.
create or replace function r3a_util.lock_key(_scope text, _key text) returns bigint
language plpgsql immutable parallel safe as $$
begin
  if _scope is null or _key is null then
    raise exception 'a lock needs a scope and a key, got (%, %)', _scope, _key using errcode = '22004';
  end if;
  return ('x' || substr(encode(sha256(convert_to('r3a:v1:' || _scope || ':' || _key, 'UTF8')), 'hex'), 1, 16))::bit(64)::bigint;
end
$$;

-- A session lock: hold one connection open for the whole work, it ends with the connection.
create function r3a_util.acquire_lock(_scope text, _key text) returns boolean
language sql volatile as $$ select pg_try_advisory_lock(r3a_util.lock_key(_scope, _key)) $$;

-- False (and a warning) when this session did not hold it: the caller's work was not protected.
create function r3a_util.release_lock(_scope text, _key text) returns boolean
language sql volatile as $$ select pg_advisory_unlock(r3a_util.lock_key(_scope, _key)) $$;
