# Mounts the data disk, formatting it only when it is blank.
set -euo pipefail

device=${DATA_DEVICE:-/dev/disk/by-id/google-mainstem-data}
target=${DATA_FOLDER:-/mnt/disks/mainstem}
owner=${DATA_OWNER:-10001:10001}

fail() {
  echo "mainstem-disk: $*" >&2
  exit 1
}

waited=0
while [ ! -e "$device" ]; do
  [ "$waited" -lt "${DATA_PATIENCE:-60}" ] || fail "the data disk $device is not attached"
  sleep 1
  waited=$((waited + 1))
done

# blkid answers 2 when it finds nothing; any other failure must not end in formatting.
status=0
kind=$(blkid -p -s TYPE -o value "$device") || status=$?
if [ "$status" -eq 2 ] && [ -z "$kind" ]; then
  echo "mainstem-disk: formatting the blank disk $device"
  mkfs.ext4 -q -F -m 0 -E lazy_itable_init=0,lazy_journal_init=0 "$device"
elif [ "$status" -ne 0 ]; then
  fail "what $device holds cannot be read (blkid: $status)"
elif [ "$kind" != ext4 ]; then
  fail "$device holds $kind, not ext4: it is left as it is"
else
  # 1 means repaired.
  fsck.ext4 -p "$device" || [ $? -le 1 ] || fail "the file system on $device needs a repair by hand"
  resize2fs "$device" >/dev/null 2>&1 || true
fi

mkdir -p "$target"
mountpoint -q "$target" || mount -o noatime,nosuid,nodev "$device" "$target"
mkdir -p "$target/state"
chown "$owner" "$target" "$target/state"
chmod 0750 "$target" "$target/state"
