// From a frame of the server to the columns that charts are drawn from.


/** What a CPU does, in the order in which it is stacked. */
export const MODES = ["user", "nice", "guest", "system", "irq", "softirq", "iowait", "steal"];

/** Rows of a source, whether the wire has them as a list or by key. */
export const rows = (value) => (Array.isArray(value) ? value : Object.values(value ?? {}));

/** Limits above this are a driver's word for none, in thousandths of a degree. */
const NO_LIMIT = 250_000;

const limit = (value) => (typeof value === "number" && value < NO_LIMIT ? value : null);

/** Sensors that answer, as `{id, name, where, value, high, critical}`; values in thousandths of a degree. */
export function temperatures(data) {
  const found = [];
  for (const chip of rows(data?.class_hwmon)) {
    for (const sensor of rows(chip.temperatures)) {
      if (typeof sensor.input_mc !== "number") continue;
      found.push({
        id: `${chip.chip}/${sensor.sensor}`,
        name: sensor.label ?? sensor.sensor,
        where: chip.name ?? chip.chip,
        value: sensor.input_mc,
        high: limit(sensor.max_mc),
        critical: limit(sensor.crit_mc),
      });
    }
  }
  for (const zone of rows(data?.class_thermal)) {
    if (typeof zone.temp_mc !== "number") continue;
    const trips = rows(zone.trips);
    const trip = (type) => limit(trips.find((point) => point.type === type)?.temp_mc);
    found.push({
      id: `zone${zone.zone}`,
      name: zone.type ?? `zone ${zone.zone}`,
      where: `zone ${zone.zone}`,
      value: zone.temp_mc,
      high: trip("hot") ?? trip("passive"),
      critical: trip("critical"),
    });
  }
  return found;
}

/** The resource that tasks wait for most, and for how much of the time; null where this is not counted. */
export function worst(pressure) {
  const known = ["cpu", "memory", "io"]
    .map((what) => [what, pressure?.[`${what}_some_ratio`]])
    .filter(([, value]) => typeof value === "number");
  return known.length ? known.reduce((most, one) => (one[1] > most[1] ? one : most)) : null;
}

/**
 * All numbers of a tick that have a history, by name of their column.
 *
 * @param {{usage: object, load: number[] | null, data?: object, cgroups?: object}} frame
 * @returns {Map<string, number>}
 */
export function columns({ usage, load, data, cgroups }) {
  const values = new Map();
  const set = (name, value) => {
    if (typeof value === "number") values.set(name, value);
  };
  const { cpu, cpus, memory, disks, interfaces, kernel, pressure } = usage ?? {};
  const { disk_total: disked, network_total: networked } = usage ?? {};
  if (cpu) {
    set("cpu/busy", cpu.busy_ratio);
    for (const mode of MODES) set(`cpu/${mode}`, cpu[`${mode}_ratio`]);
  }
  for (const [number, core] of Object.entries(cpus ?? {})) set(`core/${number}`, core.busy_ratio);
  if (memory) {
    set("memory/used", memory.used_bytes);
    set("memory/ratio", memory.used_ratio);
    set("memory/swap", memory.swap_total_bytes ? memory.swap_used_bytes : null);
  }
  for (const [name, value] of Object.entries(pressure ?? {})) set(`pressure/${name.replace("_ratio", "")}`, value);
  set("pressure/most", worst(pressure)?.[1]);
  for (const [name, disk] of Object.entries(disks ?? {})) {
    set(`disk/${name}/read`, disk.read_bytes_per_second);
    set(`disk/${name}/written`, disk.written_bytes_per_second);
  }
  set("disks/read", disked?.read_bytes_per_second);
  set("disks/written", disked?.written_bytes_per_second);
  for (const [name, row] of Object.entries(interfaces ?? {})) {
    set(`net/${name}/rx`, row.rx_bytes_per_second);
    set(`net/${name}/tx`, row.tx_bytes_per_second);
  }
  set("nets/rx", networked?.rx_bytes_per_second);
  set("nets/tx", networked?.tx_bytes_per_second);
  if (kernel) {
    set("kernel/switches", kernel.context_switches_per_second);
    set("kernel/interrupts", kernel.interrupts_per_second);
    set("kernel/forks", kernel.forks_per_second);
    set("kernel/running", kernel.procs_running);
    set("kernel/blocked", kernel.procs_blocked);
    set("kernel/majors", kernel.major_page_faults_per_second);
  }
  (load ?? []).forEach((value, index) => set(`load/${["1", "5", "15"][index]}`, value));
  for (const sensor of temperatures(data)) set(`temperature/${sensor.id}`, sensor.value);
  for (const [path, group] of Object.entries(cgroups ?? {})) set(`cgroup/${path}`, group.cpu);
  return values;
}
