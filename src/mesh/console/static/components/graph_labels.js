// Places the figures of the calls in the service graph, so that no label covers a node or another label. Pure.

/** A label's size: two lines of at most 15 characters of 11 pixels, and a margin. */
export const LABEL = { width: 106, height: 28 };
// Places on the curve, those near the callee first: curves that leave one node are apart only further along.
const ALONG = [0.7, 0.62, 0.78, 0.54, 0.46, 0.84, 0.38, 0.3, 0.22];
// Distances above and below the curve, for where all places on it are taken.
const BESIDE = [0, -15, 15, -30, 30];

export function pointAt([a, b, c, d], t) {
  const s = 1 - t;
  return [0, 1].map((axis) => s ** 3 * a[axis] + 3 * s * s * t * b[axis] + 3 * s * t * t * c[axis] + t ** 3 * d[axis]);
}

/** The rectangle that a label at a place covers: left, top, right, bottom. */
export const boxOf = ({ x, y }) =>
  [x - LABEL.width / 2, y - LABEL.height / 2, x + LABEL.width / 2, y + LABEL.height / 2];

export const overlap = (one, other) => one[0] < other[2] && one[2] > other[0] && one[1] < other[3] && one[3] > other[1];

const nodeBox = (node) => [node.x - 2, node.y - 2, node.x + node.width + 2, node.y + node.height + 2];

/** The first free place for a link's label; null when there is none. */
function placeFor(link, taken) {
  for (const beside of BESIDE) {
    for (const t of ALONG) {
      const [x, y] = pointAt(link.points, t);
      const place = { x, y: y + beside };
      const box = boxOf(place);
      if (!taken.some((other) => overlap(box, other))) return place;
    }
  }
  return null;
}

/** Sets `label` of each link: a place, the busiest links first, or null where there is no room. */
export function placeLabels(links, nodes) {
  const taken = nodes.map(nodeBox);
  const weight = (link) => link.edges.reduce((sum, edge) => sum + edge.requests, 0);
  for (const link of [...links].sort((one, other) => weight(other) - weight(one))) {
    link.label = placeFor(link, taken);
    if (link.label) taken.push(boxOf(link.label));
  }
}

/**
 * The labels to draw: those of `first` (what the pointer is on, or what is selected) even where they had no place in the
 * layout; a label that would be covered by one of those is left out meanwhile, and all others stay where they are.
 * @returns {Map<string, {x: number, y: number}>} by the link's key
 */
export function labelsToDraw(links, nodes, first) {
  const drawn = new Map();
  const taken = nodes.map(nodeBox);
  const wanted = links.filter(({ key }) => first.has(key));
  // Labels with a place go first: one without must not take theirs.
  for (const link of [...wanted.filter(({ label }) => label), ...wanted.filter(({ label }) => !label)]) {
    const place = link.label ?? placeFor(link, taken);
    if (!place) continue;
    drawn.set(link.key, place);
    taken.push(boxOf(place));
  }
  for (const link of links) {
    if (first.has(link.key) || !link.label) continue;
    const box = boxOf(link.label);
    if (!taken.some((other) => overlap(box, other))) drawn.set(link.key, link.label);
  }
  return drawn;
}
