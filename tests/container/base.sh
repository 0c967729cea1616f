#!/usr/bin/env bash
# Build a stand-in for the Dockerfile's base image, for machines without access to an image registry: a minimal
# Debian with this machine's Python and certificates. Only for tests; needs root and mmdebstrap.
#   base.sh OUT.tar
set -euo pipefail
out=$1
prefix=$(python3 -c 'import sys; print(sys.base_prefix)')
version=$(python3 -c 'import sys; print("{}.{}".format(*sys.version_info))')
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# The libraries that CPython links to, without manuals and translations.
libraries=libbz2-1.0,libexpat1,libffi8,liblzma5,libncursesw6,libreadline8,libsqlite3-0,libssl3,libuuid1,zlib1g
mmdebstrap --quiet --variant=minbase --include="ca-certificates,$libraries" \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root"

to=$root/usr/local
mkdir -p "$to/bin" "$to/lib/python$version/site-packages"
cp "$prefix/bin/python$version" "$to/bin/"
cp --no-dereference "$prefix/lib/libpython$version".so* "$to/lib/" 2>/dev/null || true
tar -C "$prefix/lib" --exclude=__pycache__ --exclude=test --exclude=idlelib --exclude='config-*' \
  --exclude=site-packages -cf - "python$version" | tar -C "$to/lib" -xf -
ln -s "python$version" "$to/bin/python3"
ln -s python3 "$to/bin/python"
# pip uses its own bundle of certificates unless it is configured otherwise.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/pip.conf"
chroot "$root" ldconfig
chroot "$root" env PIP_ROOT_USER_ACTION=ignore python3 -m ensurepip >/dev/null
tar -C "$root" --numeric-owner -cf "$out" .
