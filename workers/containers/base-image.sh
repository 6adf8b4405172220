#!/usr/bin/env bash
# Makes a base image from Debian's packages alone, for the images of this folder where no image registry can be reached.
#   usage: workers/containers/base-image.sh [TAG]        default TAG: localhost/debian:bookworm-slim
# Needs root, and Debian's podman, runc, catatonit, netavark and mmdebstrap: `make system` installs them. CLX_ENGINE=docker: docker in podman's place.
# Then, for example:
#   podman --runtime runc build $ULIMITS --network=host --build-arg BASE=localhost/debian:bookworm-slim \
#       --file workers/containers/Dockerfile --target notebook --tag clx-notebook workers
# with ULIMITS="--ulimit nofile=20000:20000 --ulimit nproc=30000:30000": a sandbox whose hard limits are lower than
# podman's defaults answers 'setrlimit: Operation not permitted' without them. crun refuses hybrid cgroups; runc does not.
set -euo pipefail
tag=${1:-localhost/debian:bookworm-slim}
engine=${CLX_ENGINE:-podman}
if $engine image inspect "$tag" >/dev/null 2>&1; then
  echo "$tag is there already"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The same package sources as this machine, so that apt-get and pip work inside a build with --network=host too.
mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" { print $2; exit }' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true)
files="$work/files"
mkdir -p "$files/etc/apt" "$files/etc/ssl/certs"
cp -r /etc/apt/sources.list.d "$files/etc/apt/" 2>/dev/null || true
for file in /etc/pip.conf "$HOME/.config/pip/pip.conf" "$HOME/.pip/pip.conf"; do
  [ -f "$file" ] && cp "$file" "$files/etc/pip.conf"
done
if [ -f /etc/ssl/certs/ca-certificates.crt ]; then cp /etc/ssl/certs/ca-certificates.crt "$files/etc/ssl/certs/"; fi

mmdebstrap --quiet --variant=apt --include=ca-certificates,python3,python3-venv \
  --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook="rm -f \"\$1/etc/apt/sources.list\"" --customize-hook="copy-in $files/etc /" \
  bookworm "$work/root.tar" "${mirror:-http://deb.debian.org/debian}"
$engine import "$work/root.tar" "$tag" >/dev/null
echo "$tag"
