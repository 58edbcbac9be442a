// Prints what a theme app extension weighs, against the limits of Shopify and our own; exit status 1 if one is passed.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

const ENTRY = 'loyalty.js';
const LIMITS = { entry: 10_000, script: 15_000, style: 12_000, liquid: 100_000, locale: 15_000 };

const root = resolve(process.argv[2]);
const read = (folder) => readdirSync(join(root, folder)).sort().map((name) => ({ name: `${folder}/${name}`, bytes: readFileSync(join(root, folder, name)) }));

const liquid = [...read('blocks'), ...read('snippets')];
const rows = [
  ...read('assets').map((file) => ({ ...file, limit: limitOfAsset(file.name) })),
  ...read('locales').map((file) => ({ ...file, limit: LIMITS.locale })),
  { name: 'all Liquid files', bytes: Buffer.concat(liquid.map((file) => file.bytes)), limit: LIMITS.liquid },
];

function limitOfAsset(name) {
  if (name.endsWith(`/${ENTRY}`)) return LIMITS.entry;
  return name.endsWith('.css') ? LIMITS.style : LIMITS.script;
}

const line = (...cells) => console.log(cells[0].padEnd(34), ...cells.slice(1).map((cell) => String(cell).padStart(8)));
line('file', 'bytes', 'gzip', 'limit');
for (const { name, bytes, limit } of rows) line(name, bytes.length, gzipSync(bytes).length, limit);
const heavy = rows.filter(({ bytes, limit }) => bytes.length >= limit);
for (const { name } of heavy) console.error(`too big: ${name}`);
process.exitCode = heavy.length ? 1 : 0;
