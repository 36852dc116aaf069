/** What is wrong with this Node, with the line that mends it for `command`; undefined where it runs TypeScript. */
exports.faultOfNode = (command) => {
  if (process.features.typescript) return undefined;
  return (
    `Node ${process.version} cannot run TypeScript: 22.18 or newer must come first on the PATH. ` +
    `npm ci installs one in this folder: PATH="$PWD/node_modules/.bin:$PATH" ${command}`
  );
};
