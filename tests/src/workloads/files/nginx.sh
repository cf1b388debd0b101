# A web server whose log is moved away now and then, as logrotate would.
mkdir -p /srv/www /var/log/nginx
head -c 600000 /dev/urandom > /srv/www/big
echo '<h1>shop</h1>' > /srv/www/index.html
nginx -g 'daemon off;' &
server=$!
trap 'kill -QUIT $server; wait $server; exit 0' TERM
while sleep $(($(od -An -N1 -tu1 /dev/urandom) % 3 + 1)); do
    mv /var/log/nginx/access.log "/var/log/nginx/access.log-$(date +%Y%m%d-%H%M%S)"
    kill -USR1 $server
done
