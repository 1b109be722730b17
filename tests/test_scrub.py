"""Command lines without their secrets: a table of cases, each with what has to be hidden."""

import pytest

from procpulse.scrub import HIDDEN, is_secret, scrub

# (what the process was given, what is shown); blanks part arguments.
CASES = [
    ("mysqld --user=root --port=3306", "mysqld --user=root --port=3306"),
    ("mysql -uroot -pS3cret db", "mysql -uroot -p*** db"),
    ("/usr/bin/mysql -p S3cret db", "/usr/bin/mysql -p *** db"),
    ("mysqldump --password=S3cret db", "mysqldump --password=*** db"),
    ("mysqldump --password S3cret db", "mysqldump --password *** db"),
    ("psql postgresql://app:S3cret@db:5432/app", "psql postgresql://app:***@db:5432/app"),
    ("psql postgresql://app@db:5432/app", "psql postgresql://app@db:5432/app"),
    ("redis-cli -a S3cret ping", "redis-cli -a *** ping"),
    ("redis-server --requirepass S3cret", "redis-server --requirepass ***"),
    ("sshpass -pS3cret ssh host", "sshpass -p*** ssh host"),
    ("curl -u user:S3cret https://x/", "curl -u *** https://x/"),
    ("curl -uuser:S3cret https://x/", "curl -u*** https://x/"),
    ("curl https://user:S3cret@x/", "curl https://user:***@x/"),
    ("curl https://x/?a=1&api_key=S3cret&b=2", "curl https://x/?a=1&api_key=***&b=2"),
    ("curl https://x/?access_token=S3cret", "curl https://x/?access_token=***"),
    ("java -Dspring.datasource.password=S3cret -jar app.jar", "java -Dspring.datasource.password=*** -jar app.jar"),
    ("java -Djavax.net.ssl.keyStorePassword=S3cret", "java -Djavax.net.ssl.keyStorePassword=***"),
    ("env DB_PASSWORD=S3cret app", "env DB_PASSWORD=*** app"),
    ("env AWS_SECRET_ACCESS_KEY=S3cret app", "env AWS_SECRET_ACCESS_KEY=*** app"),
    ("app --api-key S3cret --verbose", "app --api-key *** --verbose"),
    ("app --apiKey=S3cret", "app --apiKey=***"),
    ("app --apikey:S3cret", "app --apikey:***"),
    ("app --auth-token=S3cret", "app --auth-token=***"),
    ("app --client-secret S3cret", "app --client-secret ***"),
    ("app --pw=S3cret --rootpw S3cret --psk=S3cret --jwt S3cret", "app --pw=*** --rootpw *** --psk=*** --jwt ***"),
    ("curl --user jane:S3cret --proxy-user=bob:S3cret x", "curl --user jane:*** --proxy-user=bob:*** x"),
    ("docker run --user 1000:1000 --user jane", "docker run --user 1000:1000 --user jane"),
    ("openssl enc -aes256 -k S3cret", "openssl enc -aes256 -k ***"),
    ("kernel netroot=iscsi:jane:S3cret@10.0.0.1::3260::iqn", "kernel netroot=iscsi:jane:***@10.0.0.1::3260::iqn"),
    ("app --hook=https://hooks.slack.com/services/T0/B0/S3cret", "app --hook=https://***"),
    ("app --passwd=S3cret --pwd=S3cret", "app --passwd=*** --pwd=***"),
    ("app --PASSWORD S3cret", "app --PASSWORD ***"),
    ("app -password S3cret", "app -password ***"),
    ("app --token S3cret", "app --token ***"),
    ("app token=S3cret", "app token=***"),
    ("app --private-key=S3cret", "app --private-key=***"),
    ("app --encryption-key=S3cret", "app --encryption-key=***"),
    ("app --credentials=S3cret", "app --credentials=***"),
    ("app --cookie SID=S3cret", "app --cookie ***"),
    ("app --session-id=S3cret", "app --session-id=***"),
    ("app --dsn=mysql://u:S3cret@h/d", "app --dsn=***"),
    ("app --url=amqp://u:S3cret@h/v", "app --url=amqp://u:***@h/v"),
    ("app redis://:S3cret@h:6379/0", "app redis://:***@h:6379/0"),
    ("app mongodb+srv://u:S3cret@h/d", "app mongodb+srv://u:***@h/d"),
    ("app --passphrase=S3cret", "app --passphrase=***"),
    ("openssl rsa -passin pass:S3cret", "openssl rsa -passin ***"),
    ("ldapsearch -D cn=a -w S3cret", "ldapsearch -D cn=a -w ***"),
    ("docker login -u me -p S3cret registry", "docker login -u me -p *** registry"),
    ("7z a -pS3cret x.7z", "7z a -p*** x.7z"),
    ("app ghp_S3cretS3cretS3cretS3cretS3cret12", "app ***"),
    ("app AKIAABCDEFGHIJKLMNOP", "app ***"),
    ("app eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "app ***"),
    ("mount.cifs //h/s /mnt -o user=me,password=S3cret", "mount.cifs //h/s /mnt -o ***"),
    ("mount -t cifs -o user=me,password=S3cret,uid=0", "mount -t cifs -o ***"),
    ("app user=me;password=S3cret;uid=0", "app user=me;password=***;uid=0"),
    # what says where a secret lies, and words that only look like it, stay.
    ("app --password-file /run/secrets/p", "app --password-file /run/secrets/p"),
    ("app --token-file=/run/t", "app --token-file=/run/t"),
    ("app --ssl-key-path=/etc/k.pem", "app --ssl-key-path=/etc/k.pem"),
    ("app --password --verbose", "app --password --verbose"),
    ("app --author me --passive --bypass", "app --author me --passive --bypass"),
    ("ssh -p 2222 host", "ssh -p 2222 host"),
    ("cp -p a b", "cp -p a b"),
    ("grep monkey keyboard", "grep monkey keyboard"),
    ("nginx: worker process", "nginx: worker process"),
    ("postgres: app db 10.0.0.1(4242) idle", "postgres: app db 10.0.0.1(4242) idle"),
    ("sh", "sh"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "shown"), CASES, ids=[case[0] for case in CASES])
def test_scrub(given: str, shown: str) -> None:
    found = scrub(given.split(" "))
    assert " ".join(found) == shown
    assert scrub(found) == found, "twice is the same as once"


@pytest.mark.parametrize(("given", "shown"), CASES, ids=[case[0] for case in CASES])
def test_a_title_in_one_argument(given: str, shown: str) -> None:
    assert scrub([given]) == [shown]


@pytest.mark.parametrize(
    "argument",
    [
        "Authorization: Bearer S3cretS3cret", "authorization: Basic dTpTM2NyZXQ=", "Cookie: SID=S3cret; x=S3cret",
        "X-Api-Key: S3cret", "-HAuthorization: Bearer S3cret", '{"user": "me", "password": "S3cret"}',
        "-----BEGIN RSA PRIVATE KEY-----\\x0aS3cret", "password = S3cret", "PGPASSWORD=S3cret psql",
    ],
)  # fmt: skip
def test_arguments_with_blanks(argument: str) -> None:
    assert "S3cret" not in " ".join(scrub(["app", argument]))
    assert "S3cret" not in " ".join(scrub(["curl", "-H", argument]))
    assert HIDDEN in " ".join(scrub(["app", argument]))


def test_nothing_to_scrub() -> None:
    assert scrub([]) == []
    assert scrub([""]) == [""]
    assert scrub(["", "", "-p"]) == ["", "", "-p"]


def test_names() -> None:
    assert is_secret("dbPassword")
    assert is_secret("DB_KEY")
    assert not is_secret("keyboard")
    assert not is_secret("monkey")
