/** Before every test: a database of its own, and the browser's parts that happy-dom leaves out. */

import "fake-indexeddb/auto";
import { webcrypto } from "node:crypto";

Object.defineProperty(globalThis, "crypto", { value: webcrypto, configurable: true });
