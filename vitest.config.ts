import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@stoa/source"] },
  ssr: { resolve: { conditions: ["@stoa/source"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "tools/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    reporters: ["default"],
  },
});
