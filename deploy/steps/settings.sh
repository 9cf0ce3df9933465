# shellcheck shell=bash disable=SC2034,SC2154 # variables go from file to file
# The role's settings, in one file that systemd reads: written by hand or by `runme.sh NAME=VALUE...`.

# Made from the example once, then only what runme.sh is told is changed in it.
install_settings() {
  if [ -e "$env_file" ]; then
    ok "$env_file"
  else
    act "$env_file" install -D -m 600 "$deploy/$role/$unit.env.example" "$env_file"
  fi
}

# setting FILE NAME: its value, as systemd reads it: the last one counts
setting() {
  sed -n "s/^$2=//p" "$1" | tail -n 1 | sed -e 's/[[:space:]]*$//' -e '/^".*"$/ { s/^"//; s/"$//; s/\\\(.\)/\1/g }' -e "s/^'\\(.*\\)'\$/\\1/"
}

# with_setting NAME VALUE: the settings of stdin with this one: in place of the one there is, or of the example's, else at the end
with_setting() {
  local line=$1=$2
  if [[ ! $2 =~ ^[A-Za-z0-9_./:,=@%+\;-]*$ ]]; then
    line=$(sed 's/["\\`$]/\\&/g; s/.*/"&"/; s/^/'"$1=/" <<<"$2")
  fi
  # by the environment, as awk would read backslashes of an argument
  name=$1 line=$line awk '
    BEGIN { name = ENVIRON["name"] "="; line = ENVIRON["line"] }
    { lines[NR] = $0; if (index($0, name) == 1) is_set = NR; if (index($0, "#" name) == 1 && !example) example = NR }
    END {
      at = is_set ? is_set : example
      for (i = 1; i <= NR; i++)
        if (i == at) print line
        else if (index(lines[i], name) != 1) print lines[i]
      if (!at) print line
    }'
}

# The names that the program reads, and those that the AWS SDK and the HTTP clients do.
setting_names() {
  # on one line, since --help breaks long ones
  env -i "/usr/local/bin/$program" --help | tr -s '[:space:]' ' ' | grep --only-matching '\[env: [A-Z0-9_]*' | cut -d ' ' -f 2
  printf '%s\n' AWS_REGION AWS_PROFILE AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 HTTPS_PROXY HTTP_PROXY NO_PROXY
}

# new_settings FILE: writes there what the settings become by `assignments`, each of which is checked
new_settings() {
  local target=$1 assignment name value names
  [ -f "$env_file" ] || stop "$env_file is not there, run setup.sh first"
  install -m 600 "$env_file" "$target"
  [ "${#assignments[@]}" -gt 0 ] || return 0
  names=$(setting_names)
  for assignment in "${assignments[@]}"; do
    name=${assignment%%=*} value=${assignment#*=}
    grep --quiet --line-regexp --fixed-strings "$name" <<<"$names" ||
      stop "$program reads no setting $name; it reads: $(sort --unique <<<"$names" | paste --serial --delimiters=' ')"
    [[ $value != *[[:cntrl:]]* ]] || stop "$name holds a control character"
    with_setting "$name" "$value" <"$target" >"$target.next"
    install -m 600 "$target.next" "$target"
    rm "$target.next"
  done
}

# What stands on a command line is seen by others.
refuse_secrets() {
  local assignment name
  for assignment in "${assignments[@]}"; do
    name=${assignment%%=*}
    case $name in
      TWELVEDATA_API_KEY) stop "$name is a secret and not for the command line: use --api-key=ask, --api-key=stdin or --api-key=ssm:NAME" ;;
      *SECRET* | *PASSWORD* | *SESSION_TOKEN) stop "$name is a secret and not for the command line: give the instance a role, or write it into $env_file" ;;
    esac
  done
}

# check_settings FILE NAME...: each name has a value, no placeholder of the example is left, and the program takes them
check_settings() {
  local file=$1 name value faults=() said
  shift
  for name in "$@"; do
    value=$(setting "$file" "$name")
    [ -n "$value" ] || faults+=("$name has no value: $0 $name=VALUE")
  done
  while IFS='=' read -r name value; do
    [[ $name == \#* || $value != *CHANGE_ME* ]] || faults+=("$name still says CHANGE_ME: $0 $name=VALUE")
  done <"$file"
  if [ "${#faults[@]}" -gt 0 ]; then
    printf 'error: %s\n' "${faults[@]}" >&2
    exit 1
  fi
  if [ "$program" = "$unit" ] && ! said=$(with_environment "$file" "$program" --check-settings 2>&1); then
    printf 'error: these settings are refused, nothing was changed:\n%s\n' "$said" >&2
    exit 1
  fi
}

# with_environment FILE COMMAND...: with the file's settings and little else, as systemd has it; none of them on a command line
with_environment() (
  local file=$1 name
  shift
  for name in $(compgen -e); do
    case $name in PATH | LC_ALL) ;; *) unset "$name" ;; esac
  done
  while IFS= read -r name; do
    export "$name=$(setting "$file" "$name")"
  done < <(sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' "$file" | sort --unique)
  [ "$role" != producer ] || export TWELVEDATA_API_KEY_FILE=$api_key
  exec "$@"
)

# The region, which the instance itself knows.
find_region() {
  local file=$1 endpoint=http://169.254.169.254 token region
  [ -z "$(setting "$file" AWS_REGION)$(setting "$file" AWS_ENDPOINT_URL)$(setting "$file" AWS_ENDPOINT_URL_S3)" ] || return 0
  endpoint=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-$endpoint}
  token=$(curl --silent --fail --noproxy '*' --max-time 2 --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' \
    "${endpoint%/}/latest/api/token" 2>/dev/null) || return 0
  region=$(curl --silent --fail --noproxy '*' --max-time 2 --header @- "${endpoint%/}/latest/meta-data/placement/region" \
    <<<"X-aws-ec2-metadata-token: $token" 2>/dev/null) || return 0
  [[ $region =~ ^[a-z0-9-]+$ ]] || return 0
  with_setting AWS_REGION "$region" <"$file" >"$file.next"
  install -m 600 "$file.next" "$file"
  rm "$file.next"
  note "AWS_REGION=$region, as the instance says"
}
