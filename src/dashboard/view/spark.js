// A sparkline: the shape of the last minutes, without axes.

/**
 * @param {HTMLCanvasElement} canvas
 * @param {(number | null)[]} values
 * @param {string} color
 * @param {number} [most] value at the top; the greatest of the values where it is not given
 */
export function spark(canvas, values, color, most) {
  const ratio = devicePixelRatio;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (!width || !height) return;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const ctx = canvas.getContext("2d");
  ctx.clearRect(0, 0, width, height);
  let top = most ?? 0;
  if (most === undefined) for (const value of values) if (value !== null && value > top) top = value;
  if (!(top > 0)) top = 1;
  const pad = ratio;
  const x = (index) => (index / Math.max(1, values.length - 1)) * width;
  const y = (value) => height - pad - (Math.min(value, top) / top) * (height - 2 * pad);
  const trace = (fill) => {
    let from = -1;
    ctx.beginPath();
    values.forEach((value, index) => {
      if (value === null) {
        from = -1;
        return;
      }
      if (from < 0) {
        from = index;
        ctx.moveTo(x(index), fill ? height : y(value));
      }
      ctx.lineTo(x(index), y(value));
      const ends = index === values.length - 1 || values[index + 1] === null;
      if (fill && ends) {
        ctx.lineTo(x(index), height);
        ctx.closePath();
      }
    });
  };
  trace(true);
  ctx.fillStyle = `${color}26`;
  ctx.fill();
  trace(false);
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.25 * ratio;
  ctx.lineJoin = "round";
  ctx.stroke();
}
