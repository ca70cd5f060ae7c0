/**
 * SQL functions, gone with the connection, that make trees of at most 32 files as the program would: `leaf_id` is the id of one,
 * `plant` makes it and gives its contents to the repo, as brought by a commit. Paths are of ASCII letters.
 */
export const treeFunctions = `
  CREATE FUNCTION pg_temp.leaf_of(paths text[], sha256s text[], sizes bigint[])
  RETURNS TABLE (ordinal int, key text, path text, sha256 text, size bigint, lfs boolean) LANGUAGE sql IMMUTABLE AS $$
    SELECT row_number() OVER (ORDER BY translate(lower(path COLLATE "C"), '/', chr(1)) COLLATE "C")::int - 1, translate(lower(path COLLATE "C"), '/', chr(1)),
      path, sha256, size, path LIKE '%.safetensors' FROM unnest(paths, sha256s, sizes) f (path, sha256, size)
  $$;
  CREATE FUNCTION pg_temp.leaf_id(paths text[], sha256s text[], sizes bigint[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(sha256(convert_to(coalesce(string_agg(format('file %s %s %s %s', sha256, size, CASE WHEN lfs THEN 'lfs' ELSE 'git' END, path), E'\\n' ORDER BY ordinal), ''), 'UTF8')), 'hex')
    FROM pg_temp.leaf_of(paths, sha256s, sizes)
  $$;
  CREATE FUNCTION pg_temp.plant(of_repo uuid, of_commit text, paths text[], sha256s text[], sizes bigint[], at_head int DEFAULT 0) RETURNS void LANGUAGE sql AS $$
    INSERT INTO repo_blob (repo_id, blob_sha256, size, commit_id, head_paths) SELECT of_repo, sha256, size, of_commit, at_head * count(*) FROM pg_temp.leaf_of(paths, sha256s, sizes) GROUP BY 2, 3
      ON CONFLICT (repo_id, blob_sha256) DO UPDATE SET head_paths = EXCLUDED.head_paths;
    INSERT INTO tree SELECT of_repo, pg_temp.leaf_id(paths, sha256s, sizes), 0, count(*), count(*), coalesce(sum(size), 0) FROM pg_temp.leaf_of(paths, sha256s, sizes) ON CONFLICT DO NOTHING;
    INSERT INTO tree_entry (repo_id, tree_id, ordinal, key, path, blob_sha256, lfs, file_count, size)
      SELECT of_repo, pg_temp.leaf_id(paths, sha256s, sizes), ordinal, key, path, sha256, lfs, 1, size FROM pg_temp.leaf_of(paths, sha256s, sizes) ON CONFLICT DO NOTHING;
  $$;
`;
