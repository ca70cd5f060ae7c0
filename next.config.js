/** @type {import("next").NextConfig} */
export default {
  // These find files of their own beside their code, or must be one instance in the process.
  serverExternalPackages: [
    "pg",
    "pg-boss",
    "pino",
    "better-auth",
    "@prisma/client",
    "@prisma/adapter-pg",
    "@zxcvbn-ts/core",
    "@zxcvbn-ts/language-common",
  ],
  poweredByHeader: false,
  reactStrictMode: true,
  // Files are named by their repo; «/a/b/» and «/a/b» are for the Hub's clients not the same.
  skipTrailingSlashRedirect: true,
  images: { unoptimized: true },
  devIndicators: false,
  // Pages of their own, with their status, for who is not signed in and for who may not.
  experimental: { authInterrupts: true },
  // Its check would stop a build in the middle of an edit; `npm run check` is the one that counts.
  typescript: { ignoreBuildErrors: true },
  async headers() {
    return [
      {
        source: "/:path*",
        headers: [
          { key: "X-Content-Type-Options", value: "nosniff" },
          { key: "Referrer-Policy", value: "same-origin" },
          { key: "X-Frame-Options", value: "DENY" },
        ],
      },
    ];
  },
};
