import {
  attachment,
  forecast,
  forecastQuery,
  newPreview,
  pictureParams,
  pictureQuery,
  previewList,
  previewParams,
  previewQuery,
  previewView,
  rerun,
} from "#lib/catalog/previews/schema.ts";
import { openedRecipe, pictureTexts, RECIPE_BYTES } from "#lib/catalog/recipes/schema.ts";
import { operation } from "#lib/http/operation.ts";

export const createPreview = operation({
  id: "createPreview",
  method: "POST",
  path: "/api/v1/previews",
  summary: "Draw one seed three times: conditional, with a guide, with CFG",
  tag: "previews",
  scope: "run",
  permission: "reader of both repos",
  body: newPreview,
  status: 202,
  response: previewView,
  failures: [
    "repo_not_found",
    "revision_not_found",
    "not_found",
    "conflict",
    "upload_not_ready",
    "unsupported_model",
    "pair_does_not_fit",
    "too_large",
    "queue_full",
    "too_little_memory",
  ],
});

export const listPreviews = operation({
  id: "listPreviews",
  method: "GET",
  path: "/api/v1/previews",
  summary: "Your previews, and those that are shown on a model's page; newest first",
  tag: "previews",
  scope: null,
  permission: "anyone",
  query: previewQuery,
  status: 200,
  response: previewList,
  failures: ["unauthenticated", "forbidden", "repo_not_found"],
});

export const forecastPreview = operation({
  id: "forecastPreview",
  method: "GET",
  path: "/api/v1/previews/estimate",
  summary: "How long a preview would take if it were asked for now, and what is before it",
  tag: "previews",
  scope: null,
  permission: "reader of both repos",
  query: forecastQuery,
  status: 200,
  response: forecast,
  failures: ["repo_not_found", "revision_not_found"],
});

export const openRecipe = operation({
  id: "openRecipe",
  method: "POST",
  path: "/api/v1/previews/recipe",
  summary:
    "What of a picture's recipe is on this hub: its settings, its model and guide by their hashes, and what is missing",
  tag: "previews",
  scope: null,
  permission: "anyone",
  body: pictureTexts,
  bodyLimit: RECIPE_BYTES,
  status: 200,
  response: openedRecipe,
  failures: [],
});

export const getPreview = operation({
  id: "getPreview",
  method: "GET",
  path: "/api/v1/previews/{id}",
  summary: "How far a preview is, and the pictures that are there",
  tag: "previews",
  scope: null,
  permission: "seer of the preview",
  params: previewParams,
  status: 200,
  response: previewView,
  failures: ["not_found"],
});

export const watchPreview = operation({
  id: "watchPreview",
  method: "GET",
  path: "/api/v1/previews/{id}/events",
  summary: "The same as it moves, as server-sent events: state, progress, picture, end; failure where it cannot go on",
  tag: "previews",
  scope: null,
  permission: "seer of the preview",
  params: previewParams,
  status: 200,
  response: "text/event-stream",
  failures: ["not_found", "rate_limited"],
});

export const getPicture = operation({
  id: "getPicture",
  method: "GET",
  path: "/api/v1/previews/{id}/pictures/{mode}",
  summary: "A picture, as PNG; it carries its recipe",
  tag: "previews",
  scope: null,
  permission: "seer of the preview",
  params: pictureParams,
  query: pictureQuery,
  status: 200,
  response: "image/png",
  failures: ["not_found", "range_not_satisfiable", "storage_unavailable"],
});

export const rerunPreview = operation({
  id: "rerunPreview",
  method: "POST",
  path: "/api/v1/previews/{id}/rerun",
  summary: "Draw the same again, from the same commits, as a preview of your own",
  tag: "previews",
  scope: "run",
  permission: "seer of the preview",
  params: previewParams,
  body: rerun,
  status: 202,
  response: previewView,
  failures: ["not_found", "repo_not_found", "conflict", "too_large", "queue_full", "too_little_memory"],
});

export const cancelPreview = operation({
  id: "cancelPreview",
  method: "POST",
  path: "/api/v1/previews/{id}/cancel",
  summary: "Stop drawing, between two steps; pictures that are there stay",
  tag: "previews",
  scope: "run",
  permission: "asker of the preview",
  params: previewParams,
  status: 200,
  response: previewView,
  failures: ["not_found", "already_ended"],
});

export const attachPreview = operation({
  id: "attachPreview",
  method: "POST",
  path: "/api/v1/previews/{id}/attach",
  summary: "Show a preview on its model's page, where it is kept, or take it off; for who may write to the model",
  tag: "previews",
  scope: "write",
  permission: "writer of the preview's model",
  params: previewParams,
  body: attachment,
  status: 200,
  response: previewView,
  failures: ["not_found", "conflict", "too_large"],
});

export const deletePreview = operation({
  id: "deletePreview",
  method: "DELETE",
  path: "/api/v1/previews/{id}",
  summary: "Delete a preview and its pictures",
  tag: "previews",
  scope: "run",
  permission: "asker of the preview",
  params: previewParams,
  status: 204,
  failures: ["not_found", "conflict"],
});
