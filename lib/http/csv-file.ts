/** A table that a browser saves as `name`.csv. */
export const csvFile = (name: string, body: BodyInit): Response =>
  new Response(body, {
    headers: {
      "Content-Type": "text/csv; charset=utf-8",
      "Content-Disposition": `attachment; filename="${name}.csv"`,
    },
  });
