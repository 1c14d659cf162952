// Says whether a URL was signed by the manager for a node, and still holds; see docs/releases.md.
// The signature is HMAC-SHA256, in hex, over three lines: the path, the node, the end in seconds since 1970.
import crypto from 'crypto';
import fs from 'fs';

const KEY_FILE = '/etc/nginx/wayside.key'; // the manager's key_file: one line
const KEY = fs.readFileSync(KEY_FILE, 'utf8').trim();

function is_signed(request) {
    const expires = request.args.expires, signature = request.args.signature, node = request.args.node;
    if (typeof signature != 'string' || signature.length != 64 || !/^[0-9]{1,12}$/.test(expires)) {
        return '0';
    }
    if (typeof node != 'string' || Number(expires) < Date.now() / 1000) {
        return '0';
    }
    const due = crypto.createHmac('sha256', KEY).update(request.uri + '\n' + node + '\n' + expires).digest('hex');
    let difference = 0; // compared in the same time wherever they differ
    for (let at = 0; at < due.length; at++) {
        difference |= due.charCodeAt(at) ^ signature.charCodeAt(at);
    }
    return difference ? '0' : '1';
}

export default { is_signed };
