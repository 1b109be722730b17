"""Command lines as people write them: with a secret in the place of `{S}`, and without any.

They are in the words of a shell, which takes them apart; what it takes for one argument is one.
"""

import shlex

FAMILIES = {
    "an option whose name says so": r"""
        mysqldump --password={S} shop
        mysqldump --password {S} shop
        app --passwd {S} --verbose
        app -password {S}
        app --pwd={S}
        app --PASSWORD {S}
        app --db-password={S}
        app --dbPassword={S}
        app --apiKey={S}
        app --apikey:{S}
        app --api-key {S} --verbose
        app --api_key={S}
        app --auth-token={S}
        app --client-secret {S}
        app --passphrase={S}
        app --psk={S} --jwt {S} --pw={S} --rootpw {S}
        app --encryption-key={S}
        app --credentials={S}
        app --creds jane:{S}
        app --cookie SID={S}
        app --session-id={S}
        app --dsn=mysql://app:{S}@db/shop
        app --hmac {S}
        app --otp={S}
        app --sas-key {S}
        app --connection-string="Server=db;User=app;Password={S};Timeout=3"
        app --password -{S}
        app --token -{S} --verbose
        gpg --batch --passphrase {S} -d x.gpg
        keytool -list -storepass {S} -keypass {S}
        cryptsetup open --master-key {S} /dev/sda2 x
        tailscale up --authkey={S}
        cloudflared tunnel run --token {S}
        mongod --keyFilePassword {S}
        java -Dspring.datasource.password={S} -jar app.jar
        java -Djavax.net.ssl.keyStorePassword={S} -jar app.jar
        openssl rsa -passin pass:{S} -in k.pem
        openssl pkcs12 -export -passout pass:{S} -out x.p12
        redis-server --requirepass {S} --port 6380
        redis-server "--requirepass {S}"
        redis-server "--masterauth {S}"
        imapsync --password1 {S} --password2 {S}
        wpa_cli set_network 0 psk {S}
        swaks --auth-password {S} --to jane@example.org
    """,
    "a letter of a program": r"""
        mysql -uroot -p{S} shop
        /usr/bin/mysql -p {S} shop
        mysqlcheck -u root -p{S} --all-databases
        mysqladmin -uroot -p{S} status
        mariadb-dump -p{S} shop
        mydumper -u root -p {S} -B shop
        mongoexport -u app -p {S} -d shop -c orders
        mongorestore -u app -p{S} dump
        mongosh -u app -p {S} --host db
        redis-cli -a {S} ping
        redis-cli -h db -a{S} ping
        valkey-cli -a {S} info
        curl -u jane:{S} https://example.org/
        curl -ujane:{S} https://example.org/
        curl -su jane:{S} https://example.org/
        curl -sSLu {S}: https://example.org/
        curl -b session={S} https://example.org/
        curl -d name=jane -d word={S} https://example.org/
        curl --data-raw {S} https://example.org/
        curl -H "X-Whatever: {S}" https://example.org/
        wget --header="X-Auth: {S}" https://example.org/
        wget --http-user=jane --http-passwd={S} https://example.org/
        ldapsearch -x -D cn=admin,dc=example,dc=org -w {S} -b dc=example,dc=org
        ldapmodify -xw {S} -f x.ldif
        sshpass -p {S} ssh jane@db
        sshpass -p{S} ssh jane@db
        smbclient //files/share -U jane%{S}
        smbclient //files/share {S} -U jane
        rpcclient -U jane%{S} files
        sqlcmd -S db -U sa -P {S} -Q "select 1"
        bcp shop.dbo.t out x.csv -S db -U sa -P{S}
        sqlplus app/{S}@orcl
        sqlplus -s app/{S}
        expdp system/{S}@//db:1521/orcl full=y
        xfreerdp /u:jane /p:{S} /v:host
        xfreerdp /u:jane /password:{S} /v:host
        rdesktop -u jane -p {S} host
        snmpwalk -v2c -c {S} 10.0.0.1
        snmpget -v3 -u jane -A {S} -X {S} 10.0.0.1 sysUpTime.0
        ipmitool -I lanplus -H bmc -U admin -P {S} power status
        openssl enc -aes256 -k {S} -in x -out y
        ssh-keygen -t ed25519 -N {S} -f id
        7z a -p{S} x.7z dir
        rar a -hp{S} x.rar dir
        zip -P {S} x.zip dir
        unzip -P{S} x.zip
        mount -t cifs -o user=jane,password={S},uid=0 //files/s /mnt
        mount.cifs //files/s /mnt -o user=jane,pass={S}
        docker login -u jane -p {S} registry.example.org
        helm registry login -u jane -p {S} registry.example.org
        az login --service-principal -u app -p {S} --tenant t
        podman login -p{S} registry.example.org
        mosquitto_pub -h mq -u jane -P {S} -t x -m y
        lftp -u jane,{S} ftp.example.org
        cqlsh -u app -p {S} db
        clickhouse-client -u app --password {S}
        influx -username app -password {S}
        htpasswd -b /etc/users jane {S}
        wpa_passphrase home {S}
        useradd -p {S} jane
        http -a jane:{S} https://example.org/
        kinit -p {S} jane
        someownprogram -p {S}
        someownprogram -p{S}
        someownprogram -xp {S}
        someownprogram -u jane:{S}
        someownprogram --user=jane:{S}
        someownprogram --user jane:{S}
        python3 backup.py -p {S}
        java -jar tool.jar -P {S}
        node deploy.js -w {S}
        ab -A jane:{S} http://example.org/
        vncviewer -passwd {S} host
    """,
    "behind another program": r"""
        sudo mysql -p{S} shop
        sudo -u jane mysql -p{S} shop
        env A=b mysql -p{S} shop
        env DB_PASSWORD={S} app
        timeout 10 mysql -p{S} shop
        timeout -k 5 10 redis-cli -a {S} ping
        nice -n 10 mysqldump -p{S} shop
        nohup mysqldump -p{S} shop
        strace -f -p 12 redis-cli -a {S}
        xargs -P 4 mysql -p{S}
        ssh db mysql -p{S} shop
        ssh -p 2222 jane@db curl -u jane:{S} https://example.org/
        ssh db "mysql -p{S} shop"
        ssh db "redis-cli -a {S} flushall"
        kubectl exec db-0 -- mysql -p{S} shop
        kubectl exec -it db-0 -c mysql -- redis-cli -a {S}
        docker exec db mysqldump -p{S} shop
        docker run --rm mysql:8 mysql -h db -p{S}
        docker run -e MYSQL_ROOT_PASSWORD={S} mysql:8
        docker run -eAPI_TOKEN={S} app
        docker run --env=API_TOKEN={S} app
        podman run --env API_TOKEN={S} app
        sh -c "mysqldump -p{S} shop"
        sh -c "mysqldump -p{S} shop | gzip > /srv/x.gz"
        sh -c "cd /srv && mysqldump -p{S} shop"
        sh -c "cd /srv;mysqldump -p{S} shop"
        sh -c "export TOKEN={S}; exec app"
        bash -lc "PGPASSWORD={S} psql -h db"
        bash -c "curl -u jane:{S} https://example.org/"
        bash -c "curl -su 'jane:{S}' https://example.org/"
        bash -c "echo {S} | sudo -S reboot"
        bash -c "printf %s {S} | docker login --password-stdin"
        bash -c "cat <<< {S} | passwd --stdin jane"
        bash -c "x=\$(redis-cli -a {S} ping)"
        bash -c "ssh db 'mysql -p{S} shop'"
        sh -c "sh -c 'sh -c \"redis-cli -a {S}\"'"
        su -c "mysql -p{S} shop" jane
        su - jane -c "redis-cli -a {S}"
        watch -n 5 "mysql -p{S} -e 'show processlist'"
        systemd-run --scope mysql -p{S}
        setsid -w mysqldump -p{S} shop
        flock /run/x redis-cli -a {S}
        busybox sh -c "redis-cli -a {S}"
        python3 -c "import x; x.connect(host='db', password='{S}')"
        python3 -c "x.login(\"jane\", token=\"{S}\")"
        perl -e "connect(password => '{S}')"
        psql -c "ALTER ROLE app WITH PASSWORD '{S}'"
        mysql -e "CREATE USER app IDENTIFIED BY '{S}'"
        mysql -e "SET PASSWORD FOR 'app'@'%' = '{S}'"
        mysqladmin password {S}
        sqlite3 x.db "PRAGMA key = '{S}'"
        tmux new-session -d "redis-cli -a {S}"
        parallel -j4 mysql -p{S}
        gosu app redis-cli -a {S}
    """,
    "an address": r"""
        psql postgresql://app:{S}@db:5432/shop
        curl https://jane:{S}@example.org/
        git clone https://{S}@github.com/jane/x.git
        git clone https://oauth2:{S}@gitlab.example.org/jane/x.git
        app redis://:{S}@cache:6379/0
        app mongodb+srv://app:{S}@db/shop
        app --url=amqp://app:{S}@mq/v
        app mongodb://app:{S}@db1:27017,db2:27017/shop
        mysqlsh root:{S}@localhost
        usql app:{S}@tcp(db:3306)/shop
        someownprogram root:{S}@localhost:3306
        secretsdump.py example/jane:{S}@10.0.0.1
        curl "https://example.org/?a=1&api_key={S}&b=2"
        curl "https://example.org/?access_token={S}"
        curl "https://example.org/x#access_token={S}"
        curl "https://example.org/x?X-Amz-Signature={S}&X-Amz-Date=1"
        curl https://api.telegram.org/bot123456789:{S}/getMe
        curl https://discord.com/api/webhooks/1234567890/{S}
        curl https://hooks.slack.com/services/T0/B0/{S}
        curl https://example.org/webhook/{S}
        curl https://example.org/token/{S}/x
        app --proxy http://jane:{S}@proxy:3128
        app --endpoint=https://{S}@ingest.example.org/12
        kernel netroot=iscsi:jane:{S}@10.0.0.1::3260::iqn
        curl --proxy jane:{S}@proxy:3128 https://example.org/
        sshfs jane:{S}@files:/x /mnt
        rtsp-view rtsp://admin:{S}@camera/live
    """,
    "an assignment": r"""
        app token={S}
        app DB_PASSWORD={S}
        env AWS_SECRET_ACCESS_KEY={S} app
        terraform apply -var=db_password={S}
        terraform apply -var db_password={S}
        helm install x y --set db.password={S}
        helm install x y --set a=b,auth.rootPassword={S},c=d
        kubectl create secret generic x --from-literal=word={S}
        ansible-playbook -e db_pass={S} x.yml
        ansible-playbook --extra-vars "db_pass={S} a=b" x.yml
        vault kv put secret/x word={S}
        vault write auth/approle/login secret_id={S}
        aws configure set aws_secret_access_key {S}
        git -c http.extraheader="Authorization: Basic {S}" fetch
        app "user=jane;password={S};uid=0"
        app "{ \"pwd\" : \"{S}\" }"
        app "{\"user\":\"jane\",\"password\":\"{S}\"}"
        app --json={\"password\":\"{S}\"}
        app "password: {S}"
        app "password = {S}"
        app "user: jane, token: {S}"
        psql "host=db user=app password={S} dbname=shop"
        nmcli dev wifi connect home password {S}
        nmcli con modify home wifi-sec.psk {S}
        iscsiadm -m node -o update -n node.session.auth.password -v {S}
        sed -i s/PASSWORD/{S}/ /etc/x.conf
        cmd /c "net use x /pass:{S}"
        app config.password={S}
        app --env=PASSWORD={S} --env=A=b
        app --build-arg TOKEN={S}
        app --set-string=api.key={S}
    """,
    "a word before it": r"""
        redis-cli AUTH {S}
        redis-cli -h cache auth {S}
        redis-cli CONFIG SET requirepass {S}
        vault login {S}
        app login {S}
        app token {S}
        app "Authorization: Bearer {S}"
        app "Authorization: {S}"
        app "Proxy-Authorization: Basic {S}"
        app "X-Api-Key: {S}"
        app "Cookie: SID={S}; x={S}"
        app -H "Authorization: token {S}"
        app --header "PRIVATE-TOKEN: {S}"
        app --header=X-Vault-Token:{S}
        app Authorization: Bearer {S}
        gh secret set NAME -b {S}
        secret-tool store {S}
        consul kv put db/password {S}
        expect -c "send password {S}"
        AUTH {S}
        redis-cli -h cache AUTH default {S}
        redis-cli ACL SETUSER jane on >{S}
        vault operator unseal {S}
        etcdctl put /db/pass {S}
        podman secret create x {S}
        npm config set //registry.example.org/:_authToken {S}
        poetry config pypi-token.pypi {S}
        openssl passwd -1 {S}
        rabbitmqctl change_password jane {S}
        rabbitmqctl add_user jane {S}
        isql dsn jane {S}
        mc alias set files http://files:9000 jane {S}
        ngrok config add-authtoken {S}
        vncpasswd -f {S}
        qemu-system-x86_64 -object secret,id=s,data={S}
        cmdkey /pass {S}
        node -e "login('jane', '{S}')"
        ruby -e "x(password: '{S}')"
        bash -c "yes {S} | passwd jane"
        expect -c "spawn ssh db; send {S}"
        apprise slack://{S}/b/c
        apprise tgram://{S}/123
    """,
}

# What is a secret by its looks. Written in two pieces, so that nobody takes this file for a leak.
_LOOKS = [
    ("ghp", "_Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd4fGh7j"), ("github", "_pat_11ABCDE_xYz1bCd4fGh7jKm0nPq"),
    ("glpat", "-xYz1bCd4fGh7jKm0nPqR"), ("sk", "_live_4eC39HqLyjWDarjtT1zdp7dc"), ("rk", "_live_abcdefgh12345678"),
    ("hf", "_AbCdEfGhIjKlMnOpQrStUvWxYz"), ("SG", ".ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09kqeF8t"),
    ("ya29", ".a0AfH6SMBx1y2z3w4v5u6t7s8r9q"), ("dckr", "_pat_aBcDeFgHiJkLmNoPqRs"), ("glsa", "_HOruNAb7SOiCdshU9algkrq7FDsNSLAa"),
    ("xapp", "-1-A0B1C2D3E-1234567890-abcdef"), ("xoxb", "-1234567890-abcdefghij"), ("AKIA", "IOSFODNN7EXAMPLX"),
    ("AGE-SECRET", "-KEY-1QQPQZ4K3M5N6P7Q8R9S0T2V3W4X5Y6Z7"), ("eyJhbGciOiJI", ".eyJzdWIiOiIx.c2lnbmF0dXJl"),
    ("npm", "_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6"), ("pypi", "-AgEIcHlwaS5vcmcCJDdiNzM"), ("hvs", ".CAESIJlWh4uNq9x2y3z4"),
    ("sk", "-proj-abcdEFGH1234ijklMNOP"), ("AIza", "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"), ("tskey", "-auth-k1a2b3c4-d5e6f7"),
    ("9f86d081884c7d65", "9a2feaa0c55ad015"), ("wJalrXUtnFEMI/", "K7MDENG/bPxRfiCYzEXAMPLEKEY"),
    ("q7x2m9k4w8z3", "n6b1v5c0l8j2"), ("Zm9vYmFyYmF6cXV4Zm9v", "YmFyYmF6cXV4MTIzNDU2Nzg5MA=="),
    ("4f1c2e3a-9b8d-", "4c7e-a6f5-0123456789ab"),
]  # fmt: skip
LOOKS = ["".join(pair) for pair in _LOOKS]

SECRETS = ["correcthorse", "Tr0ub4dor3x", "Gr33n+Tea~42", "x9"]
"""A word like any other, and less ordinary ones; short ones, too."""

ORDINARY = r"""
mysqld --user=root --port=3306
docker run --user 1000:1000 --user jane -p 8080:80 -v /srv/x:/x nginx:1.27
app --password-file /run/secrets/p --token-file=/run/t
app --ssl-key-path=/etc/k.pem --tls-private-key-file=/etc/tls/tls.key
app --author me --passive --bypass
app --password --verbose
app --port=8080 --config /etc/x.conf -j4
ssh -p 2222 jane@host.example.org
ssh -i /home/jane/.ssh/id_ed25519 git@github.com
cp -p a b
mkdir -p /srv/x y
tar -xpf x.tar
grep -rn monkey keyboard
nginx: worker process
nginx: master process /usr/sbin/nginx -g daemon on; master_process on;
postgres: app db 10.0.0.1(4242) idle
postgres: writer
java -Xmx512m -XX:+UseG1GC -Djava.util.concurrent.ForkJoinPool.common.parallelism=4 -jar /opt/app/app.jar --server.port=8080
java -cp /opt/kafka/libs/kafka-clients-3.7.0.jar:/opt/kafka/libs/scala-library-2.13.12.jar org.apache.kafka.Kafka
/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock
make -j4 all
gcc -O2 -Wall -pthread -fPIC -c -o x.o x.c
/usr/lib/systemd/systemd --switched-root --system --deserialize=35
sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups
sshd: jane@pts/0
/sbin/agetty -o '-p -- \u' --noclear - linux
/usr/bin/dbus-daemon --session --address=systemd: --nofork --nopidfile
python3 -m http.server 8000 --bind 127.0.0.1
python3 -u /srv/app/worker.py --queue=default --concurrency 4
kubelet --config=/var/lib/kubelet/config.yaml --node-ip=10.0.0.5 --v=2
kube-apiserver --authorization-mode=Node,RBAC --anonymous-auth=false --etcd-servers=https://127.0.0.1:2379
kubectl get pods -n kube-system -o wide
rsync -avz --delete /srv/a/ backup@host.example.org:/srv/b/
sudo -u jane tar -xpf /tmp/x.tar
sh -c 'while true; do sleep 1; done'
bash -c 'cd /srv && mkdir -p x/y && cp -p a b'
git clone https://github.com/torvalds/linux.git
git clone git@github.com:torvalds/linux.git
git commit -m 'fix the build'
npm install @scope/package@1.2.3
ffmpeg -i /srv/in.mp4 -c:v libx264 -preset fast /srv/out.mkv
find / -name core -print
kernel BOOT_IMAGE=/boot/vmlinuz-6.18.4-1-amd64 root=UUID=456a0345-450d-4f7b-b7c9-43e3241d99ad ro quiet console=ttyS0,115200n8
qemu-system-x86_64 -m 4096 -smp 4 -drive file=/var/lib/vm/disk.qcow2,format=qcow2
curl -sSL -o /tmp/x https://example.org/pkg.tar.gz
curl https://example.org:8443/v1/items?page=2&sort=name
psql -h db.example.org -p 5432 -U app -d shop
mysql -h db -u root shop
redis-cli -h cache -p 6379 info
redis-server *:6379
gunicorn -w 4 -k gevent -b 0.0.0.0:8000 app:app
node /srv/app/server.js --port 3000 --env production
containerd-shim-runc-v2 -namespace moby -id 3f2a9c1b7d5e4a6f8091b2c3d4e5f60718293a4b5c6d7e8f9001122334455667 -address /run/x.sock
/usr/lib/systemd/systemd-networkd
systemctl restart getty@tty1.service user@1000.service
prometheus --storage.tsdb.path=/data --web.listen-address=:9090 --storage.tsdb.retention.time=15d
chromium --type=renderer --lang=en-US --num-raster-threads=2 --max-tokens=512
ip addr add 2001:db8::1/64 dev eth0
ping -c 3 2001:db8::1
nc -l -p 8080
xargs -P 4 -n 1 gzip
timeout 10 sleep 5
ps -p 12 -o pid,comm
uvicorn app:main --host 0.0.0.0 --port 8000 --workers 2
celery -A app worker -l info -Q default
[kworker/0:1]
sleep infinity
vim test.go +10
com.github.uiautomator
sh
"""


def split(line: str) -> list[str]:
    """The arguments of a line."""
    return shlex.split(line)


def hostile(secret: str) -> list[tuple[str, list[str]]]:
    """Each family and the arguments of each of its lines, with this secret."""
    return [
        (family, split(line.strip().replace("{S}", secret)))
        for family, lines in FAMILIES.items()
        for line in lines.strip().splitlines()
    ]


def ordinary() -> list[list[str]]:
    """The arguments of each line that stays as it is."""
    return [line.split(" ") if ": " in line else split(line) for line in ORDINARY.strip().splitlines()]
