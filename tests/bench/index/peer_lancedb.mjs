// LanceDB as a peer: node peer_lancedb.mjs FOLDER_WITH_node_modules. Requests and answers as in peer.h.
// Its index is HNSW over scalar-quantized vectors (IVF_HNSW_SQ) in one partition, rescored from the stored vectors; a
// search has as many calls in flight as threads were asked for.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { floats, serve } from "./peer.mjs";

const folder = process.argv[2];
const require = createRequire(path.resolve(folder, "package.json"));
const lancedb = require("@lancedb/lancedb");
const arrow = createRequire(require.resolve("@lancedb/lancedb"))("apache-arrow");
const kBatch = 10_000;  // Rows added at once.
const kRefine = 2;      // Candidates rescored, as a multiple of k; ef must be as large.

let table = null;

function batch(file, first, count, dim) {
  const values = arrow.makeData({ type: new arrow.Float32(), length: count * dim,
                                  data: floats(file, first, count, dim) });
  const type = new arrow.FixedSizeList(dim, new arrow.Field("item", new arrow.Float32(), true));
  const ids = arrow.makeData({ type: new arrow.Int32(), length: count,
                               data: Int32Array.from({ length: count }, (_, i) => first + i) });
  return new arrow.Table({ id: new arrow.Vector([ids]),
                           vector: new arrow.Vector([arrow.makeData({ type, length: count, child: values })]) });
}

const answers = {
  async build({ base, count, dim }) {
    const before = process.memoryUsage().rss;
    const place = path.resolve(folder, "lancedb");
    fs.rmSync(place, { recursive: true, force: true });
    const database = await lancedb.connect(place);
    const start = process.hrtime.bigint();
    for (let first = 0; first < count; first += kBatch) {
      const rows = batch(base, first, Math.min(kBatch, count - first), dim);
      if (first === 0) table = await database.createTable("vectors", rows);
      else await table.add(rows);
    }
    await table.createIndex("vector", { config: lancedb.Index.hnswSq({ distanceType: "dot", numPartitions: 1, m: 16,
                                                                       efConstruction: 100 }) });
    await table.waitForIndex(["vector_idx"], 3600);
    const seconds = Number(process.hrtime.bigint() - start) * 1e-9;
    return { seconds, bytes: process.memoryUsage().rss - before };
  },
  async search({ queries, count, dim, k, breadth, threads, seconds, answers: file }) {
    const values = floats(queries, 0, count, dim);
    const rows = new Uint32Array(count * k).fill(0xffffffff);
    let done = 0, passed = 0;
    const one = async (i) => {
      const found = await table.vectorSearch(values.subarray(i * dim, (i + 1) * dim)).distanceType("dot").limit(k)
          .nprobes(1).ef(Math.max(breadth, k * kRefine)).refineFactor(kRefine).select(["id", "_distance"]).toArrow();
      const ids = found.getChild("id");
      for (let j = 0; j < Math.min(k, ids.length); j++) rows[i * k + j] = ids.get(j);
    };
    const start = process.hrtime.bigint();
    do {
      let next = 0;
      const worker = async () => { while (next < count) await one(next++); };
      await Promise.all(Array.from({ length: threads }, worker));
      done += count;
      passed = Number(process.hrtime.bigint() - start) * 1e-9;
    } while (passed < seconds);
    fs.writeFileSync(file, rows);
    return { queries: done, seconds: passed };
  },
};

await serve(answers);
