const DIGITS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const;
/** `1`, then 32 bytes in groups of five bits, then six digits of the checksum. */
const KEY_OF_32_BYTES = /^1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{58}$/;

/**
 * Whether a text is `prefix` with 32 bytes in Bech32 (BIP 173), as the keys of age are; both in lower case. age has the same
 * check, but loading it takes longer than the rest of the settings, and a typing error must be told with the other
 * faults, not when the first object is sealed.
 */
export function isBech32Key(text: string, prefix: string): boolean {
  if (!text.startsWith(prefix) || !KEY_OF_32_BYTES.test(text.slice(prefix.length))) return false;
  const codes = [...prefix].map((letter) => letter.charCodeAt(0));
  const digits = [...text.slice(prefix.length + 1)].map((digit) => DIGITS.indexOf(digit));
  // 52 digits are 260 bits: the last four must be zero
  if (((digits[51] ?? 0) & 15) !== 0) return false;
  return (
    checksumOf([...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...digits]) === 1
  );
}

function checksumOf(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    GENERATOR.forEach((part, bit) => {
      if ((top >> bit) & 1) sum ^= part;
    });
  }
  return sum;
}
