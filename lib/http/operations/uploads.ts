import { repoParams } from "#lib/catalog/repos/schema.ts";
import {
  newUpload,
  partsToSign,
  signedParts,
  uploadList,
  uploadParams,
  uploadQuery,
  uploadView,
} from "#lib/catalog/uploads/schema.ts";
import { operation } from "#lib/http/operation.ts";

export const beginUpload = operation({
  id: "beginUpload",
  method: "POST",
  path: "/api/v1/repos/{owner}/{repo}/uploads",
  summary: "Begin an upload; the same Idempotency-Key in the header finds it again",
  tag: "uploads",
  scope: "write",
  permission: "writer of the repo",
  params: repoParams,
  body: newUpload,
  status: 201,
  response: uploadView,
  failures: [
    "repo_not_found",
    "too_large",
    "conflict",
    "rate_limited",
    "quota_exceeded",
    "disk_full",
    "storage_unavailable",
  ],
});

export const listUploads = operation({
  id: "listUploads",
  method: "GET",
  path: "/api/v1/repos/{owner}/{repo}/uploads",
  summary: "Your uploads that have not ended, to go on with",
  tag: "uploads",
  scope: "write",
  permission: "writer of the repo",
  params: repoParams,
  query: uploadQuery,
  status: 200,
  response: uploadList,
  failures: ["repo_not_found"],
});

export const getUpload = operation({
  id: "getUpload",
  method: "GET",
  path: "/api/v1/uploads/{id}",
  summary: "How far an upload is, and which parts have come",
  tag: "uploads",
  scope: "write",
  permission: "beginner of the upload",
  params: uploadParams,
  status: 200,
  response: uploadView,
  failures: ["not_found", "storage_unavailable"],
});

export const signUploadParts = operation({
  id: "signUploadParts",
  method: "POST",
  path: "/api/v1/uploads/{id}/parts",
  summary: "Addresses that take parts, for an hour",
  tag: "uploads",
  scope: "write",
  permission: "beginner of the upload",
  params: uploadParams,
  body: partsToSign,
  status: 200,
  response: signedParts,
  failures: ["not_found", "repo_not_found", "already_ended", "storage_unavailable", "disk_full"],
});

export const completeUpload = operation({
  id: "completeUpload",
  method: "POST",
  path: "/api/v1/uploads/{id}/complete",
  summary: "All parts are there: have them read; may be sent again",
  tag: "uploads",
  scope: "write",
  permission: "beginner of the upload",
  params: uploadParams,
  status: 202,
  response: uploadView,
  failures: [
    "not_found",
    "repo_not_found",
    "bytes_differ",
    "upload_not_ready",
    "queue_full",
    "storage_unavailable",
    "disk_full",
  ],
});

export const abortUpload = operation({
  id: "abortUpload",
  method: "DELETE",
  path: "/api/v1/uploads/{id}",
  summary: "Give an upload up",
  tag: "uploads",
  scope: "write",
  permission: "beginner of the upload",
  params: uploadParams,
  status: 204,
  failures: ["not_found", "already_ended"],
});
