import { z } from "zod";
import {
  isVisible,
  isWritable,
  requireAdminister,
  requireNamespace,
  requireRead,
  requireWrite,
  type RepoName,
  visibleParts,
} from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { CARD_PATH, showCard } from "#lib/catalog/cards/service.ts";
import { inspectAgain } from "#lib/catalog/inspections/service.ts";
import { can, kinds } from "#lib/catalog/kinds.ts";
import { storableText } from "#lib/catalog/plain-text.ts";
import { refsOf } from "#lib/catalog/refs/service.ts";
import { mayKnowPair } from "#lib/catalog/units/who-may-see.ts";
import { requireWithinQuota } from "#lib/catalog/quotas/service.ts";
