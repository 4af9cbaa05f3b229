// usearch as a peer: node peer_usearch.mjs FOLDER_WITH_node_modules. Requests and answers as in peer.h.
// Vectors are bf16, which its own documentation recommends where the processor has it.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { floats, serve } from "./peer.mjs";

const folder = process.argv[2];
const usearch = createRequire(path.resolve(folder, "package.json"))("usearch");
const kBatch = 10_000;  // Rows added at once.

let index = null, options = null, saved = null;

// The breadth of a search is set when an index is made: the graph goes through a file, which another index loads for
// each breadth.
function withBreadth(breadth) {
  if (options.expansion_search !== breadth) {
    options = { ...options, expansion_search: breadth };
    index = new usearch.Index(options);
    index.load(saved);
  }
  return index;
}

const answers = {
  build({ base, count, dim, threads }) {
    const before = process.memoryUsage().rss;
    options = { dimensions: dim, metric: "ip", quantization: "bf16", connectivity: 16, expansion_add: 100,
                expansion_search: 64, multi: false };
    index = new usearch.Index(options);
    let seconds = 0;
    for (let first = 0; first < count; first += kBatch) {
      const rows = Math.min(kBatch, count - first);
      const values = floats(base, first, rows, dim);
      const keys = BigUint64Array.from({ length: rows }, (_, i) => BigInt(first + i));
      const start = process.hrtime.bigint();
      index.add(keys, values, threads);
      seconds += Number(process.hrtime.bigint() - start) * 1e-9;
    }
    const bytes = process.memoryUsage().rss - before;
    saved = path.resolve(folder, "index.usearch");
    index.save(saved);
    return { seconds, bytes };
  },
  search({ queries, count, dim, k, breadth, threads, seconds, answers: file }) {
    const values = floats(queries, 0, count, dim);
    const searched = withBreadth(breadth);
    const rows = new Uint32Array(count * k).fill(0xffffffff);
    let done = 0, passed = 0, found = null;
    const start = process.hrtime.bigint();
    do {
      found = searched.search(values, k, threads);
      done += count;
      passed = Number(process.hrtime.bigint() - start) * 1e-9;
    } while (passed < seconds);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < Number(found.counts[i]); j++) rows[i * k + j] = Number(found.keys[i * k + j]);
    }
    fs.writeFileSync(file, rows);
    return { queries: done, seconds: passed };
  },
};

await serve(answers);
