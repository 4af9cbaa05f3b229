// What the peers in JavaScript share.
import fs from "node:fs";
import readline from "node:readline";

// Rows first ... first + count - 1 of a file of f32 rows without a header.
export function floats(file, first, count, dim) {
  const bytes = Buffer.alloc(count * dim * 4);
  const handle = fs.openSync(file, "r");
  fs.readSync(handle, bytes, 0, bytes.length, first * dim * 4);
  fs.closeSync(handle);
  return new Float32Array(bytes.buffer, bytes.byteOffset, count * dim);
}

// Answers requests, a JSON line each, until the input ends. `answers` has a function, which may be async, for each `do`.
export async function serve(answers) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      const request = JSON.parse(line);
      answer = await answers[request.do](request);
    } catch (error) {
      answer = { error: String(error) };
    }
    console.log(JSON.stringify(answer));
  }
}
