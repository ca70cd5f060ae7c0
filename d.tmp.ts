import { distill } from "#lib/distill/distill.ts";
import { openPlainStep } from "./tests/support/plain-training-step.ts";
import { rm, readdir } from "node:fs/promises";
await rm("/tmp/distill-try", {recursive:true, force:true});
const rt = {provider:"cpu",precision:"float32",threads:2} as const;
console.time("all");
const r = await distill({model: process.cwd()+"/tests/golden/families/sd1", config:null, output:"/tmp/distill-try", begin:{choice:{kind:"tiny",share:0.5,guidance:{low:1,high:8},steps:12,learningRate:5e-3,batch:8,trajectories:64,seed:1},prompts:null},checkpointSeconds:60,memory:8e9}, rt, openPlainStep, async (p)=>{ if (p.plan) console.log(JSON.stringify(p.plan)); else console.log(p.stage,p.done,p.total,p.secondsLeft?.toFixed(1), p.figures?.loss.toFixed(4), p.figures?.fvu); });
console.timeEnd("all");
console.log(JSON.stringify(r,null,1).slice(0,2500), await readdir("/tmp/distill-try"));
