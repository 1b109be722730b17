// Names of devices, and which of them a table shows while nothing happens on them.

/** Whether a disk is one of those that are counted in the total: no partition, and not built on others. */
export const isCountedDisk = (name, usage) => usage?.disk_total?.devices.includes(name) ?? false;

/** Whether an interface is one of those that are counted in the total: it leads out of the host. */
export const isCountedInterface = (name, usage) => usage?.network_total?.interfaces.includes(name) ?? false;

/** Names as people count: eth2 before eth10. */
export const byName = new Intl.Collator("en", { numeric: true }).compare;
