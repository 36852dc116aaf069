-- What started a run: the name of a job of the installation, e.g. sync-1m. Null: a person, by hand.

select pg_advisory_xact_lock(7020390112350);

alter table r3a.run add column if not exists origin text;
