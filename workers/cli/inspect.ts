import { Command } from "commander";
export const inspectCommand = new Command("inspect");
