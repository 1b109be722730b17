// Which devices do work of their own, and what they did together.

/** Whether a disk does I/O of its own: partitions, loops and mapped devices count what another one does. */
export function isWhole(device) {
  if (/^(loop|ram|dm-|md|zram|sr|fd)/.test(device)) return false;
  const parted = /^(?:nvme\d+n|mmcblk|nbd)/.test(device);
  return parted ? !/\dp\d+$/.test(device) : !/\d$/.test(device);
}

/** Whether traffic of an interface is that of the host with others; loopback is not. */
export const isOutside = (name) => name !== "lo";

/** Whether an interface is worth a row while nothing happens on it. */
export const isPort = (name) => !/^(lo$|ifb|dummy|veth|docker|br-|virbr|tun|tap|sit|ip6|gre|cali|cni)/.test(name);

/** The sum of a field over the rows that are chosen; null when none of them has it. */
export function total(rows, field, chosen) {
  let sum = null;
  for (const [name, row] of Object.entries(rows ?? {})) {
    const value = row[field];
    if (chosen(name) && typeof value === "number") sum = (sum ?? 0) + value;
  }
  return sum;
}

/** Names as people count: eth2 before eth10. */
export const byName = new Intl.Collator("en", { numeric: true }).compare;
