# shellcheck shell=bash disable=SC2034,SC2154 # variables go from file to file
# The API key of Twelve Data: in a file of its own that only root reads and that systemd hands to the service. It stands on no command line, in
# no environment and in no output.
api_key=$settings/twelve-data-api-key

take_api_key() {
  local source=${given[--api-key]-}
  if [ -z "$source" ]; then
    if [ -s "$api_key" ]; then
      [ "$(stat --format %a:%U "$api_key")" = 600:root ] || act "$api_key is root's alone" protect_api_key
      ok "$api_key"
      return
    fi
    [ -t 0 ] || stop "the API key is missing, and there is no terminal to ask for it: use --api-key=stdin or --api-key=ssm:NAME, see $0 --help"
    source=ask
  fi
  if is_given --dry-run; then
    printf 'would   %s\n' "$api_key"
    return
  fi
  case $source in
    ask)
      [ -t 0 ] || stop "--api-key=ask needs a terminal (ssh -t); --api-key=stdin does not"
      local key
      read -rsp "API key of Twelve Data: " key
      echo
      store_api_key <<<"$key"
      ;;
    stdin)
      [ ! -t 0 ] || stop "--api-key=stdin reads a file or a pipe, and this is a terminal: use --api-key=ask"
      store_api_key
      ;;
    ssm:?*)
      has aws || stop "--api-key=ssm needs the AWS CLI, which Amazon Linux has; on other systems: --api-key=stdin"
      aws ssm get-parameter --with-decryption --name "${source#ssm:}" --query Parameter.Value --output text | store_api_key ||
        stop "SSM does not give the parameter ${source#ssm:}, see above; this instance's role needs ssm:GetParameter on it"
      ;;
    *) stop "--api-key is ask, stdin or ssm:NAME" ;;
  esac
}

protect_api_key() {
  chown root: "$api_key"
  chmod 600 "$api_key"
}

# From stdin. Half a key, or none, does not replace the one there is.
store_api_key() {
  local new
  mkdir -p "$settings"
  new=$(mktemp "$api_key.XXXXXX")
  tr -d '[:space:]' >"$new"
  if [ ! -s "$new" ]; then
    rm "$new"
    stop "no API key came"
  fi
  if cmp --silent "$new" "$api_key"; then
    rm "$new"
    ok "$api_key"
  else
    mv --force "$new" "$api_key"
    protect_api_key
    changed "$api_key"
  fi
}
