// A service with caches: a folder by hash, temporary folders, uploads, a program it calls.
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const { execFile } = require('child_process');

const CACHE = '/var/cache/app';
const DATA = '/var/lib/app/uploads';
for (const folder of [CACHE, DATA, '/var/log/app']) fs.mkdirSync(folder, { recursive: true });
const log = fs.createWriteStream('/var/log/app/app.log', { flags: 'a' });

function upload(request, response) {
  const part = path.join(DATA, `.${crypto.randomBytes(8).toString('hex')}.part`);
  const file = fs.createWriteStream(part);
  request.pipe(file);
  file.on('finish', () => {
    fs.renameSync(part, path.join(DATA, `${Date.now()}-${crypto.randomUUID()}`));
    const all = fs.readdirSync(DATA);
    if (all.length > 40) for (const name of all) fs.unlinkSync(path.join(DATA, name));
    response.end('{}');
  });
}

function cached(request, response) {
  const key = crypto.createHash('sha1').update(request.url).digest('hex');
  const file = path.join(CACHE, key.slice(0, 2), key);
  if (fs.existsSync(file)) return fs.createReadStream(file).pipe(response);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'render-'));
  const input = path.join(folder, 'input');
  fs.writeFileSync(input, request.url);
  execFile('/usr/bin/sha1sum', [input], (error, output) => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, error ? String(error) : output);
    fs.rmSync(folder, { recursive: true });
    if (error) response.statusCode = 500;
    response.end(output);
  });
}

const server = http.createServer((request, response) => {
  log.write(`${request.method} ${request.url}\n`);
  if (request.method === 'POST') upload(request, response);
  else cached(request, response);
});
server.listen(8000, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
