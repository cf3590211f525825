"use strict";

// Loaded into the Playground's process before its own code: it has no option for either of these.
const net = require("node:net");

// It listens on every interface. A development tool must not be reachable from the network, so each
// server of this process listens on loopback alone.
const LOOPBACK = "127.0.0.1";
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  const [first, second] = args;
  if (first !== null && typeof first === "object") {
    if (first.port !== undefined) args[0] = { ...first, host: LOOPBACK };
  } else if (typeof first === "number" || /^\d+$/.test(first ?? "")) {
    args.splice(1, typeof second === "string" ? 1 : 0, LOOPBACK);
  } else if (first === undefined || first === null || typeof first === "function") {
    if (typeof first !== "function") args.shift();
    args.unshift(0, LOOPBACK);
  }
  return listen.apply(this, args);
};

// It outlives whoever started it. The starter holds the other end of this pipe, which closes when the
// starter ends, however it ends.
process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));
process.stdin.resume();
