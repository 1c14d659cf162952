#!/bin/sh
# Builds one Debian package with a relocatable virtual environment: packaging/deb/build.sh agent|manager
# Debian 12's grpcio and protobuf are too old for the contract, so the package carries its own (layout, fact 9).
# The interpreter is the target's python3 of the version the package depends on.
set -eu
cd "$(dirname "$0")/../.."
part=$1
name=wayside-$part
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$part/pyproject.toml")
python=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
arch=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

# The system's interpreter where there is one of our version, so that the links in the package lead there.
interpreter=/usr/bin/python$python
[ -x "$interpreter" ] || interpreter=.venv/bin/python
prefix=$root/opt/$name
uv venv --quiet --relocatable --no-project --python "$interpreter" "$prefix"
VIRTUAL_ENV=$prefix uv pip install --quiet --require-hashes -r "requirements/$part.txt"
VIRTUAL_ENV=$prefix uv pip install --quiet --no-deps ./proto "./$part"
ln -sf "/usr/bin/python$python" "$prefix/bin/python"
find "$prefix" -name __pycache__ -prune -exec rm -rf {} +
# A device has no use for the environment's shell helpers and its libraries' own programs.
find "$prefix/bin" -mindepth 1 ! -name 'python*' ! -name 'wayside*' -delete
# The service's user may not write here: without byte code every start would compile everything anew.
"$interpreter" -m compileall -q --invalidation-mode unchecked-hash "$prefix/lib"
rm -f "$prefix/.gitignore" "$prefix/.lock" "$prefix/CACHEDIR.TAG"

install -D -m 644 "packaging/systemd/$name.service" "$root/lib/systemd/system/$name.service"
install -D -m 644 LICENSE "$root/usr/share/doc/$name/copyright"
install -D -m 644 README.md "$root/usr/share/doc/$name/README.md"
mkdir -p "$root/usr/bin" "$root/DEBIAN"
if [ "$part" = agent ]; then
    mkdir -p "$root/etc/wayside/dbc" "$root/etc/wayside/secrets"
    install -D -m 644 -t "$root/lib/systemd/system" packaging/systemd/wayside-install.socket packaging/systemd/wayside-install@.service
    install -D -m 644 -t "$root/usr/share/doc/$name/examples" packaging/systemd/wayside-install.sysusers packaging/systemd/wayside-install.tmpfiles packaging/systemd/wayside-install.conf
    install -D -m 644 packaging/examples/agent-rsu.toml "$root/usr/share/doc/$name/examples/agent-rsu.toml"
fi
programs=$name
[ "$part" = manager ] && programs="wayside-manager wayside"
for program in $programs; do
    ln -s "/opt/$name/bin/$program" "$root/usr/bin/$program"
done

cat >"$root/DEBIAN/control" <<CONTROL
Package: $name
Version: $version
Architecture: $arch
Maintainer: Wayside maintainers <maintainers@wayside.invalid>
Section: net
Priority: optional
Depends: python$python, adduser
Installed-Size: $(du -sk "$root/opt" | cut -f1)
Description: $(sed -n 's/^description = "\(.*\)"/\1/p' "$part/pyproject.toml")
CONTROL
# Service user and state directory have the same name: wayside, wayside-manager.
user=wayside
[ "$part" = manager ] && user=wayside-manager
cat >"$root/DEBIAN/postinst" <<POSTINST
#!/bin/sh
set -e
adduser --quiet --system --group --no-create-home --home /var/lib/$user $user
install -d -m 700 -o $user -g $user /var/lib/$user
[ "$part" = manager ] || install -d -m 750 -o root -g $user /etc/wayside/secrets
[ -d /run/systemd/system ] && systemctl daemon-reload || true
POSTINST
cat >"$root/DEBIAN/prerm" <<PRERM
#!/bin/sh
set -e
[ -d /run/systemd/system ] && systemctl stop $name.service || true
PRERM
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"

mkdir -p dist
dpkg-deb --root-owner-group -Zxz --build "$root" "dist/${name}_${version}_${arch}.deb"
