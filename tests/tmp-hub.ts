import { HubMember, must } from "./support/hub-member.ts";
import { newFolder, startHub } from "./support/running-hub.ts";
const folder = await newFolder();
const hub = await startHub({ folder, port: 4799 });
const ann = await HubMember.join(/^ {2}(\S+\/join\?invitation=\S+)$/m.exec(hub.said())![1]!, "ann");
await HubMember.join(must(201, await ann.asBrowser("POST", "/invitations", {})).body.url as string, "ben");
console.log("ready", hub.url, folder);
