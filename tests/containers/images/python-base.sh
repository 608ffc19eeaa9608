#!/usr/bin/env bash
# python-base.sh IMAGE: a Python base image made of this machine's own files, with git and ssh in it.
#
# It stands in for python:3.11-slim where no image registry can be reached, so that the product's own
# Dockerfile is built and run for real. It carries this machine's certificates: never publish it.
set -euo pipefail

image=$1
prefix=$(python3 -c 'import sys; print(sys.base_prefix)')
libraries=/usr/lib/x86_64-linux-gnu
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

folders() {
  mkdir -p "$root"/usr/{bin,sbin,lib64,lib/x86_64-linux-gnu,local} "$root"/etc/ssl/certs \
    "$root"/{tmp,var/tmp,var/lib,root,proc,sys,dev,run,home,opt}
  for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
  chmod 1777 "$root/tmp" "$root/var/tmp"
  chmod 755 "$root"
}

python() {
  tar -C "$prefix" --exclude='./lib/python3*/site-packages/*' --exclude='*/test' \
    --exclude=__pycache__ --exclude='*.a' --exclude='./lib/python3*/config-*' --exclude='./share' \
    -c . | tar -C "$root/usr/local" -x
  # The other scripts name the interpreter of this machine in their first line.
  find "$root/usr/local/bin" -type f ! -name 'python3.*' -delete
  rm -f "$root"/usr/local/bin/*-config
}

programs() {
  cp /bin/bash "$root/usr/bin/"
  cp "$(command -v busybox)" "$root/usr/bin/busybox"
  chroot "$root" /usr/bin/busybox --install -s /usr/bin 2>/dev/null || true
  rm -f "$root/usr/bin/git" "$root/usr/bin/ssh"
  cp "$(command -v git)" "$root/usr/bin/"
  for name in ssh ssh-keygen; do
    if command -v $name >/dev/null; then cp "$(command -v $name)" "$root/usr/bin/"; fi
  done
  mkdir -p "$root/usr/lib/git-core" "$root/usr/share/git-core"
  cp -a /usr/lib/git-core/. "$root/usr/lib/git-core/"
  cp -a /usr/share/git-core/templates "$root/usr/share/git-core/"
}

needed_libraries() {
  { find "$root/usr/local/bin" "$root/usr/local/lib" "$root/usr/bin" "$root/usr/lib/git-core" \
      -type f \( -perm -u+x -o -name '*.so*' \) -print0 | xargs -0 -r ldd 2>/dev/null || true; } |
    awk '$2 == "=>" && $3 ~ /^\// {print $3} $1 ~ /^\/lib64/ {print $1}'
  ls $libraries/libnss_{dns,files}.so.2 $libraries/libresolv.so.2 $libraries/libgcc_s.so.1 \
    $libraries/libstdc++.so.6
  dpkg -L libc6 | grep 'x86_64-linux-gnu/lib[^/]*[.]so'
}

libraries() {
  needed_libraries | sort -u | while read -r file; do
    case $file in
      "$prefix"/* | "$root"/*) ;;
      /lib64/*) cp -L "$file" "$root/usr/lib64/" ;;
      *) cp -L "$file" "$root$libraries/" ;;
    esac
  done
  printf '/usr/local/lib\n%s\n' "$libraries" >"$root/etc/ld.so.conf"
  /sbin/ldconfig -r "$root"
}

configuration() {
  printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  cp -L /etc/os-release "$root/etc/"
  mkdir -p "$root/usr/share" "$root/usr/lib/locale"
  if [ -d /usr/share/zoneinfo ]; then cp -a /usr/share/zoneinfo "$root/usr/share/"; fi
  cp -a /usr/lib/locale/C.utf8 "$root/usr/lib/locale/"
  chroot "$root" /usr/local/bin/python3 -m ensurepip >/dev/null 2>&1
  ln -sf python3 "$root/usr/local/bin/python"
  ln -sf pip3 "$root/usr/local/bin/pip"
}

folders
python
programs
libraries
configuration
tar -C "$root" -c . | docker import \
  -c 'ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' -c 'ENV LANG=C.UTF-8' \
  -c 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt' \
  -c 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' -c 'CMD ["python3"]' - "$image"
