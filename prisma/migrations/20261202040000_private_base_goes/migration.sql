-- What a base drew while a guide learned from it tells of the base. Of one that was private, that goes with it: without its base anybody
-- who may see the guide's repo could read a distillation.
CREATE FUNCTION private_base_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM distillation WHERE base_commit_id IN (SELECT id FROM commit WHERE repo_id = OLD.id);
  RETURN OLD;
END $$;
CREATE TRIGGER private_base_goes BEFORE DELETE ON repo FOR EACH ROW WHEN (OLD.visibility = 'private') EXECUTE FUNCTION private_base_goes();
