#!/usr/bin/env python3
"""A second verifier of a federation's evidence: logs, signatures and files, with Python's standard library and openssl.

    verify.py BUNDLE --policy FILE [--mutations FILE]

It shares no code with the first one (apps/auditor), replays no round and computes no model.
`--mutations` reads a JSON list of [path, bit], flips each bit by itself in memory, and prints for each the code of the
first finding or null. Exit code 0: nothing found. 1: something found. 2: not understood.
"""
import argparse, base64, functools, hashlib, json, re, subprocess, sys, tempfile
from pathlib import Path

ORIGIN = re.compile(r'([a-z0-9-]+)/(?:coordinator|site/([a-z0-9-]+))/(\d{4}(?:-[1-9]\d{0,2})?)')

class Found(Exception):
    """Something is wrong with the evidence: a code, where, and what."""

    def __init__(self, code, where, what=''):
        self.code, self.where, self.what = code, where, what

# --- Encodings: each value has exactly one spelling ---------------------------------------------------------------
def sha256(data):
    return hashlib.sha256(data).digest()

def strict_base64(text, where):
    data = base64.b64decode(text)
    if base64.b64encode(data).decode() != text:
        raise Found('ENCODING_INVALID', where, 'not base64 in its one spelling')
    return data

def canonical(value):
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode('utf-16-be'))
        return '{' + ','.join(f'{canonical(key)}:{canonical(value[key])}' for key in keys) + '}'
    if isinstance(value, list):
        return '[' + ','.join(map(canonical, value)) + ']'
    return json.dumps(value, ensure_ascii=False)

def read_canonical(data, where):
    value = json.loads(data.decode('utf-8'))
    if canonical(value).encode() != data:
        raise Found('ENCODING_INVALID', where, 'not canonical JSON')
    return value

# --- Signatures: by openssl, each question asked once -------------------------------------------------------------
def openssl(command, **files):
    """What the command prints, or None where it fails; it finds these files in its folder."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        done = subprocess.run(['openssl', *command.split()], cwd=folder, capture_output=True)
        return done.stdout if done.returncode == 0 else None

@functools.cache
def holds(command, key, message, signature):
    return openssl(command, key=key, message=message, signature=signature) is not None

def ed25519(key, message, signature):
    command = 'pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in message -sigfile signature'
    return len(signature) == 64 and holds(command, bytes.fromhex('302a300506032b6570032100') + key, message, signature)

def ecdsa(spki, message, signature):
    return holds('dgst -sha256 -keyform DER -verify key -signature signature message', spki, message, signature)

@functools.cache
def root_key(pem):
    public = openssl('x509 -in root -noout -pubkey', root=pem.encode()) or b''
    return base64.b64decode(''.join(public.decode().split('\n')[1:-2]))

def pae(kind, payload):
    return f'DSSEv1 {len(kind)} {kind} {len(payload)} '.encode() + payload

def read_envelope(data, where):
    """Type, payload bytes and signatures of a DSSE envelope in its one spelling."""
    envelope = read_canonical(data, where)
    if set(envelope) != {'payload', 'payloadType', 'signatures'}:
        raise Found('ENVELOPE_INVALID', where, 'other fields')
    signatures = [(one['keyid'], strict_base64(one['sig'], where)) for one in envelope['signatures']]
    if not signatures or signatures != sorted(dict(signatures).items()):
        raise Found('ENVELOPE_INVALID', where, 'signatures in order of keyid, each once')
    return envelope['payloadType'], strict_base64(envelope['payload'], where), signatures

def verify_envelope(data, where, kind, keys):
    """The payload and the ids of the keys that signed it; every signature is of one of these keys and holds."""
    payload_type, payload, signatures = read_envelope(data, where)
    if payload_type != f'application/vnd.consilium.{kind}+json':
        raise Found('ENVELOPE_INVALID', where, f'no {kind}')
    known = {sha256(key).hex(): key for key in keys}
    for keyid, signature in signatures:
        if keyid not in known or not ed25519(known[keyid], pae(payload_type, payload), signature):
            raise Found('SIGNATURE_INVALID', where, f'key {keyid}')
    return json.loads(payload), {keyid for keyid, _ in signatures}

# --- Logs ---------------------------------------------------------------------------------------------------------
def tree_levels(leaves):
    """The whole subtrees of each height, left to right (RFC 6962, 2.1)."""
    levels = [leaves]
    while len(row := levels[-1]) > 1:
        levels.append([sha256(b'\x01' + row[i] + row[i + 1]) for i in range(0, len(row) - 1, 2)])
    return levels

def tree_root(levels, size):
    peaks, start = [], 0
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            peaks.append(levels[height][start >> height])
            start += 1 << height
    above = lambda right, left: sha256(b'\x01' + left + right)
    return functools.reduce(above, reversed(peaks)) if peaks else sha256(b'')

def tiles_of(level, count):
    for index in range((count + 255) // 256):
        width = min(256, count - 256 * index)
        digits, rest = f'{index % 1000:03}', index // 1000
        while rest:
            digits, rest = f'x{rest % 1000:03}/{digits}', rest // 1000
        yield index, width, f'tile/{level}/{digits}' + ('' if width == 256 else f'.p/{width}')

def open_checkpoint(note, origin, log_keys, witnesses):
    """Size and root. Every signature line must be of a known key, hold, and stand there once."""
    form = re.fullmatch(rb'(([^\n]+)\n(0|[1-9]\d*)\n([^\n]+)\n)\n((?:[^\n]+\n)+)', note)
    if not form or form[2] != origin.encode():
        raise Found('LEDGER_NOTE_INVALID', origin, 'not a checkpoint of this log')
    keys = [(origin, 1, key) for key in log_keys] + [(name, 4, key) for name, key in witnesses]
    known = {(name, sha256(f'{name}\n'.encode() + bytes([kind]) + key)[:4]): (kind, key) for name, kind, key in keys}
    signed = False
    for line in form[5][:-1].split(b'\n'):
        match = re.fullmatch('— ([^ ]+) ([A-Za-z0-9+/=]+)'.encode(), line)
        data = strict_base64(match[2].decode(), origin) if match else b''
        kind, key = known.pop((match[1].decode('utf-8', 'replace'), data[:4]), (0, b'')) if match else (0, b'')
        message, signature = form[1], data[4:]
        if kind == 4:
            time = int.from_bytes(data[4:12], 'big')
            message, signature = f'cosignature/v1\ntime {time}\n'.encode() + form[1], data[12:]
        if kind == 0 or not ed25519(key, message, signature):
            raise Found('LEDGER_SIGNATURE_INVALID', origin, 'an unknown, repeated or wrong line')
        signed = signed or kind == 1
    if not signed:
        raise Found('LEDGER_SIGNATURE_INVALID', origin, 'the log has not signed')
    return int(form[3]), strict_base64(form[4].decode('utf-8', 'replace'), origin)

def read_log(files, origin, log_keys, witnesses):
    """Entries and tree of a log; `files` are those below its folder."""
    size, root = open_checkpoint(files['checkpoint'], origin, log_keys, witnesses)
    entries, needed = [], {'checkpoint'}
    for _, width, path in tiles_of('entries', size):
        bundle, at = files.get(path, b''), 0
        needed.add(path)
        for _ in range(width):
            start, at = at + 2, at + 2 + int.from_bytes(bundle[at:at + 2], 'big')
            entries.append(bundle[start:at])
        if at != len(bundle):
            raise Found('LEDGER_CORRUPT', origin, path)
    levels = tree_levels([sha256(b'\x00' + entry) for entry in entries])
    for level in range(8):
        row = levels[8 * level] if 8 * level < len(levels) else []
        for index, width, path in tiles_of(level, len(row)):
            needed.add(path)
            if files.get(path) != b''.join(row[256 * index:256 * index + width]):
                raise Found('LEDGER_CORRUPT', origin, path)
    if tree_root(levels, size) != root:
        raise Found('LEDGER_CORRUPT', origin, 'root')
    if set(files) != needed:
        raise Found('FILE_UNREFERENCED', origin, ' '.join(sorted(set(files) - needed)))
    return [read_canonical(entry, f'{origin}#{i}') for i, entry in enumerate(entries)], levels

# --- The bundle ---------------------------------------------------------------------------------------------------
class Verifier:
    """Verifies one bundle, and the same bundle with little changed: what was verified once is remembered by content."""

    def __init__(self, policy):
        self.policy, self.logs = policy, {}

    def verify(self, files):
        policy, logs = self.policy, {}
        named = {path: self.named(path, data) for path, data in files.items() if not path.startswith('logs/')}
        documents = {digest: files[path] for path, digest in named.items() if path.startswith('documents/')}
        owners, federation, rosters = {}, policy['federation'], self.rosters(documents)
        for of in [policy, *rosters.values()]:
            for one in [{'name': None, **of['coordinator']}, *of['sites']]:
                owners.setdefault(one['name'], set()).add(strict_base64(one['signing'], 'policy'))
        witnesses = [(f'{federation}/coordinator' if site is None else f'{federation}/site/{site}', one)
                     for site, keys in owners.items() for one in sorted(keys)]
        for folder in sorted({path.rpartition('/checkpoint')[0] for path in files if path.endswith('/checkpoint')}):
            origin = folder.removeprefix('logs/')
            match = ORIGIN.fullmatch(origin)
            if not match or match[1] != federation or match[2] not in owners:
                raise Found('LOG_UNKNOWN', origin)
            own = {path[len(folder) + 1:]: data for path, data in files.items() if path.startswith(f'{folder}/')}
            content = (origin, *witnesses, *((path, sha256(data)) for path, data in sorted(own.items())))
            if content not in self.logs:
                self.logs[content] = read_log(own, origin, owners[match[2]], witnesses)
            logs[origin] = self.logs[content] + (match[2],)
        for site in owners.keys() - {log[2] for log in logs.values()}:
            raise Found('LOG_MISSING', site or 'coordinator')
        for last in policy['checkpoints']:
            levels = logs.get(last['origin'], (0, [[]]))[1]
            if last['size'] > len(levels[0]):
                raise Found('ROLLED_BACK', last['origin'])
            if tree_root(levels, last['size']).hex() != last['root']:
                raise Found('HISTORY_REWRITTEN', last['origin'])
        self.compare(logs)
        reached = set()
        for origin, (entries, _, site) in logs.items():
            for index, entry in enumerate(entries):
                reached.update(self.follow(entry, f'{origin}#{index}', site, documents, owners, rosters))
        for path in files:
            if not any(path.startswith(f'logs/{origin}/') for origin in logs) and named.get(path) not in reached:
                raise Found('FILE_UNREFERENCED', path)

    def compare(self, logs):
        """What each log says of another one's length and root was so; a restored year has more logs than one."""
        for origin, (entries, *_) in logs.items():
            for index, entry in enumerate(entries):
                if entry['type'] in ('witness.cosigned', 'site.checkpoint'):
                    own = [one[1] for name, one in logs.items()
                           if one[2] == entry.get('site') and name.rpartition('/')[2][:4] == str(entry['year'])]
                    long = [levels for levels in own if len(levels[0]) >= entry['size']]
                    if not any(tree_root(levels, entry['size']).hex() == entry['root'] for levels in long):
                        raise Found('HISTORY_REWRITTEN' if long else 'LOG_BEHIND', f'{origin}#{index}')

    def named(self, path, data):
        """The digest by which a file is named, which it must have."""
        name = re.fullmatch(r'(?:documents/(?=\w+\.json)|(?:models|retained)/(?=\w+\.safetensors))(\w+)\.\w+', path)
        if not name or sha256(data).hex() != name[1]:
            raise Found('FILE_ALTERED' if name else 'FILE_UNREFERENCED', path)
        return name[1]

    def rosters(self, documents):
        """Every roster that the policy's root has signed."""
        spki, rosters = root_key(self.policy['root']), {}
        for digest, data in documents.items():
            if b'"application/vnd.consilium.roster+json"' in data:
                kind, payload, signatures = read_envelope(data, digest)
                (keyid, signature), *more = signatures
                if not more and keyid == sha256(spki).hex() and ecdsa(spki, pae(kind, payload), signature):
                    rosters[digest] = json.loads(payload)
        return rosters

    def follow(self, entry, ref, site, documents, owners, rosters):
        """The digests that an entry names, once the documents that must be signed are seen to be."""
        kind, who = entry['type'], entry.get('site', site)
        def document(field):
            if entry[field] not in documents:
                raise Found('DOCUMENT_MISSING', ref, field)
            return documents[entry[field]]
        roster = rosters.get(entry.get('roster'), {})
        if kind in ('roster.signed', 'roster.accepted') and roster.get('version') != entry['version']:
            raise Found('ROSTER_INVALID', ref)
        people = [one['signing'] for roster in rosters.values() for one in roster['people']]
        approvers = [one['signing'] for of in self.policy['sites'] if of['name'] == who for one in of['approvers']]
        people, approvers = ([strict_base64(one, ref) for one in keys] for keys in (people, approvers))
        if kind in ('plan.proposed', 'run.started'):
            _, signers = verify_envelope(document('envelope'), ref, 'plan', people)
            if len(signers) < (2 if kind == 'run.started' else 1):
                raise Found('PLAN_NOT_SIGNED', ref)
        if kind == 'plan.approved' or kind == 'plan.decided' and entry['approved']:
            approval, signers = verify_envelope(document('envelope'), ref, 'approval', [*owners[who], *approvers])
            if not signers & {sha256(one).hex() for one in owners[who]} or approval['run'] != entry['run']:
                raise Found('APPROVAL_INVALID', ref)
        if kind in ('update.committed', 'update.signed'):
            statement, _ = verify_envelope(document('statement'), ref, 'update', owners[who])
            if (statement['sha256'], statement['length'], statement['site']) != (entry['sha256'], entry['bytes'], who):
                raise Found('STATEMENT_INVALID', ref)
        return [value for value in entry.values() if isinstance(value, str)]

def first_finding(verifier, files):
    """The first thing that is wrong with the evidence, or None."""
    try:
        return verifier.verify(files)
    except Found as found:
        return {'code': found.code, 'entry': found.where, 'found': found.what}
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return {'code': 'MALFORMED', 'entry': None, 'found': 'what cannot be read at all'}

def mutated(verifier, files, path, bit):
    data = bytearray(files[path])
    data[bit // 8] ^= 1 << bit % 8
    return (first_finding(verifier, {**files, path: bytes(data)}) or {'code': None})['code']

def main():
    parser = argparse.ArgumentParser(description='A second verifier of logs, signatures and files.')
    parser.add_argument('bundle', type=Path)
    parser.add_argument('--policy', type=Path, help='whom you believe: a file that did not come with the bundle')
    parser.add_argument('--mutations', type=Path, help='a JSON list of [path, bit]')
    options = parser.parse_args()
    names = [path for path in options.bundle.rglob('*') if path.is_file()]
    files = {path.relative_to(options.bundle).as_posix(): path.read_bytes() for path in names}
    finding = {'code': 'POLICY_MISSING', 'entry': None, 'found': 'a bundle cannot vouch for itself'}
    if options.policy:
        verifier = Verifier(json.loads(options.policy.read_text()))
        finding = first_finding(verifier, files)
    if options.mutations and not finding:
        mutations = json.loads(options.mutations.read_text())
        return print(json.dumps([mutated(verifier, files, *mutation) for mutation in mutations]))
    print(json.dumps({'verdict': 'fail' if finding else 'pass', 'findings': [finding] if finding else []}))
    return 1 if finding else 0

if __name__ == '__main__':
    sys.exit(main())
