/** Scripts that make a shell complete words by `trikd __complete`. */
export const SCRIPTS = {
  bash: `_trikd() {
  local IFS=$'\\n'
  COMPREPLY=($(trikd __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _trikd trikd`,
  zsh: `#compdef trikd
_trikd() {
  local -a found
  found=("\${(@f)$(trikd __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n $found[1] ]]; then compadd -a found; else _files; fi
}
# Loaded from fpath, this file is the function at its first call.
if [[ $funcstack[1] == _trikd ]]; then _trikd; else compdef _trikd trikd; fi`,
  fish: `function __trikd_complete
  set -l before (commandline -opc)
  set -l found (trikd __complete -- $before[2..] (commandline -ct) 2>/dev/null)
  if set -q found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c trikd -f -a '(__trikd_complete)'`,
} as const;

/** A shell with a script. */
export type ShellName = keyof typeof SCRIPTS;
