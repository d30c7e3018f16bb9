"""A second opinion on certificates: exact rational arithmetic, the standard library, and nothing of convexnn.

    python second_checker.py MODEL.safetensors CERTIFICATE.json DATA.csv
DATA.csv: a header, then rows of features, targets, and a weight if there is one more column. The formats are in
docs/reference/formats.md. Decided are l1, l2 in one dimension and in the plane, and dictionaries, as long as all
hyperplanes can be visited. The dual point is first moved to one that is feasible exactly.
"""
import csv, hashlib, itertools, json, math, struct, sys  # noqa: E401, I001
from fractions import Fraction as Q
from pathlib import Path
LARGEST, ZERO, ONE = 200_000, Q(0), Q(1)  # hyperplanes times samples

def tensors(path):
    """Doubles of a safetensors file by name, as rows of fractions."""
    raw, found = Path(path).read_bytes(), {}
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    for name, entry in json.loads(raw[8:start]).items():
        if name != "__metadata__":
            a, b = entry["data_offsets"]
            flat, width = list(struct.iter_unpack("<d", raw[start + a : start + b])), max([*entry["shape"], 1][1], 1)
            found[name] = [[Q(x) for (x,) in flat[k : k + width]] for k in range(0, len(flat), width)]
    return found
def root(q):
    """sqrt(q), rounded up by 2^-100 of itself at most."""
    shift = max(0, 220 - q.numerator.bit_length() + q.denominator.bit_length()) // 2 * 2
    return Q(math.isqrt((q.numerator << shift) // q.denominator) + 1, 1 << (shift // 2)) if q else ZERO
def log(q, up):
    """log(q) rounded up or down: 2 atanh((m - 1) / (m + 1)) + k log 2 for q = 2^k m, all terms of one sign."""
    k = q.numerator.bit_length() - q.denominator.bit_length()
    k += q / Q(2) ** k > Q(4, 3)
    m, grid = q / Q(2) ** k, Q(1 << 120)
    def atanh2(t, up):
        up, t, sign = up == (t >= 0), abs(t), 1 if t >= 0 else -1
        t = (math.ceil(t * grid) if up else math.floor(t * grid)) / grid
        return 2 * sign * (sum(t**j / j for j in range(1, 60, 2)) + (t**61 if up else 0))  # as t <= 1/3
    return atanh2((m - 1) / (m + 1), up) + k * atanh2(Q(1, 3), up if k > 0 else not up)
def exp_up(x):
    """exp(x) rounded up: 2^k e^r with |r| <= 1/2, and a remainder below r^28 / 10^29."""
    k = round(float(x) / math.log(2))
    r = math.ceil((x - k * log(Q(2), k < 0)) * (1 << 120)) / Q(1 << 120)
    return Q(2) ** k * (sum(r**j / Q(math.factorial(j)) for j in range(28)) + abs(r) ** 28 / Q(10) ** 29)
def dot(a, b):
    return sum((x * y for x, y in zip(a, b)), ZERO)
def normal(rows, r):
    """A vector orthogonal to r - 1 rows, by cofactors; zero if they are dependent."""
    minors = [normal([z[:k] + z[k + 1 :] for z in rows[1:]], r - 1) for k in range(r)] if r > 1 else []
    return [(-1) ** k * dot(rows[0][:k] + rows[0][k + 1 :], w) for k, w in enumerate(minors)] or [ONE]
def basis(rows):
    """A largest set of independent rows."""
    kept, echelon = [], []
    for row in rows:
        rest = row
        for pivot, base in echelon:
            rest = [x - rest[pivot] * y for x, y in zip(rest, base)]
        if any(rest):
            pivot = next(k for k, x in enumerate(rest) if x)
            kept, echelon = [*kept, row], [*echelon, (pivot, [x / rest[pivot] for x in rest])]
    return kept

def largest_response(X, v, norm, bias, scope):
    """R^2, rounded up by 2^-100 at most, for the largest response R of a unit neuron to v; None if not decided."""
    X = [[*x, ONE] for x in X] if bias == "penalized" else X
    d, pivots, l1 = len(X[0]), X if bias is True else [[ZERO] * len(X[0])], norm == "l1"
    span = basis([[a - b for a, b in zip(x, pivots[0])] for x in X])
    if span and (l1 or len(span) == d):
        span = [[Q(i == j) for j in range(d)] for i in range(d)]
    gram, r = [[dot(a, b) for b in span] for a in span], len(span)
    arcs, axes = not l1 and scope == "network" and r > 1, span if l1 else []
    if math.comb(len(X) + len(axes), max(r - 1, 0)) * len(pivots) * len(X) > LARGEST or (arcs and (r > 2 or r < d)):
        return None
    columns, best = list(zip(*v)), ZERO
    for pivot in pivots if r else []:
        rows = [[dot([a - b for a, b in zip(x, pivot)], s) for s in span] for x in X]
        normals = [normal(z, r) for z in itertools.combinations([z for z in rows if any(z)] + axes, r - 1)]
        normals = [[sign * a for a in w] for w in normals if any(w) for sign in (1, -1)]
        for w in normals:
            active = [max(dot(z, w), ZERO) for z in rows]
            values = [dot(column, active) for column in columns]
            length = sum(map(abs, w)) ** 2 if l1 else dot(w, [dot(row, w) for row in gram])
            best = max(best, (max(map(abs, values)) ** 2 if l1 else dot(values, values)) / length)
        for w in normals if arcs else []:
            best = inside(w, rows, columns, best)
    return best
def inside(w, rows, columns, best):
    """The squared response on the arc that begins at w, turning left, if it is above `best` inside, else `best`."""
    left = [-w[1], w[0]]
    on = [dot(z, w) > 0 or (dot(z, w) == 0 and dot(z, left) > 0) for z in rows]
    turns = [[-z[1], z[0]] if dot(z, w) > 0 else [z[1], -z[0]] for z in rows if dot(z, w) != 0]
    end = max(turns, key=lambda t: dot(t, w) / dot(t, left))
    U = [[sum((c * z[k] for c, z, o in zip(column, rows, on) if o), ZERO) for k in (0, 1)] for column in columns]
    xx, xy, yy = (sum(u[i] * u[j] for u in U) for i, j in ((0, 0), (0, 1), (1, 1)))
    def form(g, h):
        return best * dot(g, h) - xx * g[0] * h[0] - xy * (g[0] * h[1] + g[1] * h[0]) - yy * g[1] * h[1]
    mixed = form(w, end)  # at both ends the form is >= 0, so it is negative between them only if this is, and enough
    below = mixed >= 0 or mixed**2 <= form(w, w) * form(end, end)
    return best if below else (xx + yy + root((xx - yy) ** 2 + 4 * xy**2)) / 2

def interval(name, p, y):
    """Ends of the domain of the dual entries, None for infinity."""
    if "hinge" in name or "log_loss" in name:
        return (ZERO, None if "squared" in name else ONE) if y > 0 else (None if "squared" in name else -ONE, ZERO)
    return {"huber": (-(p or 0), p), "quantile": ((p or 0) - 1, p), "poisson": (None, y)}.get(name, (None, None))
def repair(v, Y, w, name, p, centred):
    """The given v moved into the domain, columns summing to zero if `centred`, by as little as rounding asks for."""
    columns = []
    for column, targets in zip(zip(*v), zip(*Y)):
        ends = [[None if e is None else e * q for e in interval(name, p, y)] for y, q in zip(targets, w)]
        u = [max(a, lo) if lo is not None else a for a, (lo, _) in zip(column, ends)]
        u = [min(a, hi) if hi is not None else a for a, (_, hi) in zip(u, ends)]
        side = 0 if sum(u) > 0 else 1
        room = [q if pair[side] is None else abs(a - pair[side]) for a, pair, q in zip(u, ends, w)]
        if centred and sum(u):
            u = [a - sum(u) * b / sum(room) if sum(room) else ZERO for a, b in zip(u, room)]
        columns.append(u)
    return list(zip(*columns))
def repair_shares(v, Y, w, name, p, centred):
    """Rows y - v / w onto the simplex; class totals by mixing with a constant row that errs the other way."""
    total, shares = [dot(w, column) for column in zip(*Y)], []
    for a, y, q in zip(v, Y, w):
        s = [max(ZERO, b - c / q) if t or not centred else ZERO for b, c, t in zip(y, a, total)]
        shares.append([b / sum(s) for b in s] if any(s) else y)
    lack = [t - dot(w, column) for t, column in zip(total, zip(*shares))]
    if centred and any(lack):
        t = min(b / sum(w) / abs(e) for b, e in zip(total, lack) if e)
        part, constant = 1 / (1 + sum(w) * t), [b / sum(w) + t * e for b, e in zip(total, lack)]
        shares = [[(1 - part) * a + part * b for a, b in zip(s, constant)] for s in shares]
    return [[q * (b - c) for b, c in zip(y, s)] for y, s, q in zip(Y, shares, w)]
def dual_value(name, u, y):
    """-loss*(-u), rounded down, for one row of targets y and dual entries u per unit of weight."""
    def entropy(s):
        return -s * log(s, True) if s > 0 else ZERO
    if name.startswith("log_loss"):
        rows = len(y) > 1 and name == "log_loss"
        return sum(entropy(b - a) if rows else entropy(abs(a)) + entropy(1 - abs(a)) for a, b in zip(u, y))
    if name == "poisson":
        return sum(entropy(b - a) - a + (b * log(b, False) if b else 0) for a, b in zip(u, y))
    return sum(a * b - (name in ("squared_error", "huber", "squared_hinge")) * a * a / 2 for a, b in zip(u, y))
def loss_value(name, p, f, y):
    """Loss of outputs f for one row of targets y, rounded up."""
    if name == "log_loss" and len(y) > 1:
        return log(sum(exp_up(a - max(f)) for a in f), True) - dot(y, [a - max(f) for a in f])
    return sum({
        "log_loss": lambda a, b: max(-a * b, 0) + log(1 + exp_up(-abs(a)), True),
        "poisson": lambda a, b: exp_up(a) - b * a + (b * log(b, True) - b if b else 0),
        "interpolation": lambda a, b: 0 if abs(a - b) <= p else math.inf,
        "squared_error": lambda a, b: (a - b) ** 2 / 2,
        "huber": lambda a, b: min(abs(a - b), p) * (abs(a - b) - min(abs(a - b), p) / 2),
        "quantile": lambda a, b: max(p * (b - a), (1 - p) * (a - b)),
        "hinge": lambda a, b: max(1 - a * b, 0),
        "squared_hinge": lambda a, b: max(1 - a * b, 0) ** 2 / 2,
    }[name.replace("_multilabel", "")](a, b) for a, b in zip(f, y))  # fmt: skip

def decide(network, claim, point, X, Y, weight=None):
    """What is true in fractions, for a network (weights, biases, output weights, intercept) and the claim's JSON."""
    seen = [i for i in range(len(X)) if weight is None or weight[i] > 0]
    X, Y, v = ([rows[i] for i in seen] for rows in (X, Y, point))
    name, _, number = (claim["loss"] if claim["beta"] else "interpolation").rstrip(")").partition("(")
    equal = max(abs(a) for row in Y for a in row) / 10**8  # what counts as interpolated
    p = Q(float(number)) if number else {"huber": ONE, "quantile": Q(1, 2), "interpolation": equal}.get(name)
    w = [ONE if weight is None or name == "interpolation" else weight[i] for i in seen]
    beta, (W, b, A, t), objective = Q(claim["beta"]) or ONE, network, ZERO
    for x, y, q in zip(X, Y, w):
        hidden = [max(ZERO, dot(x, u) + c) for u, c in zip(W, b)]
        objective += q * loss_value(name, p, [c + dot(hidden, [a[k] for a in A]) for k, c in enumerate(t)], y)
    for u, a in zip([[*u, c] if claim["bias"] == "penalized" else u for u, c in zip(W, b)], A):
        l1, l2 = sum(map(abs, u)) * sum(map(abs, a)), root(dot(u, u) * dot(a, a))
        objective += beta * (l1 if claim["norm"] == "l1" else l2)
    move, centred = repair_shares if name == "log_loss" and len(t) > 1 else repair, claim["bias"] is True
    v = move(v, Y, w, name, p, centred)
    square = largest_response(X, v, claim["norm"], claim["bias"], claim["scope"])
    if square is None:
        return {"decided": False, "objective": objective}
    best = ONE
    if name == "squared_error" and any(map(any, v)):
        best = max(ZERO, sum(map(dot, v, Y)) / sum(dot(a, a) / q for a, q in zip(v, w)))
    if square:
        best = beta / root(square) if name == "interpolation" else min(best, beta / root(square))
    bound = max(ZERO, sum(q * dual_value(name, [best * a / q for a in row], y) for q, row, y in zip(w, v, Y)))
    holds = objective < math.inf and objective - bound <= Q(claim["tol"]) * max(objective, bound)
    return {"decided": True, "bound": bound, "objective": objective, "holds": holds, "true": Q(claim["dual"]) <= bound}

def main(model, certificate, data):
    claim, place, net = json.loads(Path(certificate).read_text()), Path(certificate), tensors(model)
    stem = "certificate" if place.stem == "certificate" else f"{place.stem}.certificate"
    b, t = ([row[0] for row in net[name]] for name in ("0.bias", "2.bias"))
    table = [list(map(float, row)) for row in csv.reader(Path(data).read_text().splitlines()[1:])]
    d, end, digest = (len(net["0.weight"][0]) if b else len(table[0]) - len(t)), len(table[0]), hashlib.sha256()
    parts = [[row[i:j] for row in table] for i, j in ((0, d), (d, d + len(t)), (d + len(t), end))]
    for rows in [rows for rows in parts if rows[0]]:
        digest.update(repr((len(rows), len(rows[0]))).encode())
        digest.update(b"".join(struct.pack("<d", a + 0.0) for row in rows for a in row))
    if claim["scope"] == "none" or digest.hexdigest() != claim["fingerprint"]:
        return "nothing is claimed" if claim["scope"] == "none" else "these are not the data of the certificate"
    X, Y, w = [[list(map(Q, row)) for row in rows] for rows in parts]
    v, network = tensors(place.with_name(f"{stem}.safetensors")), (net["0.weight"], b, list(zip(*net["2.weight"])), t)
    found = decide(network, claim, v["dual_point"], X, Y, [row[0] for row in w] if w[0] else None)
    return ", ".join(f"{name}: {a if isinstance(a, bool) else float(a)}" for name, a in found.items())

if __name__ == "__main__":
    print(main(*sys.argv[1:4]))
