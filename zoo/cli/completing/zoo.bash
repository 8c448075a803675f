# Completion of zoo for bash: `zoo completion bash` prints this. Put it where bash-completion looks for it,
#     zoo completion bash > ~/.local/share/bash-completion/completions/zoo
# or, without that package, put this line into ~/.bashrc:
#     eval "$(zoo completion bash)"
_zoo() {
    local zoo=${1/#\~\//$HOME/} kind line cut IFS=$'\n'
    COMPREPLY=()
    {
        read -r kind && read -r cut || return 0
        cut=${cut#=}
        while read -r line; do COMPREPLY+=("$line"); done
    } < <("$zoo" completion --words bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    [[ $kind == words ]] && return 0
    compopt -o filenames 2>/dev/null  # which bash 3 has not
    [[ $kind == files ]] || return 0
    [[ ${#COMPREPLY[@]} == 0 ]] && compopt -o default 2>/dev/null && return 0
    while read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cut")
}
complete -F _zoo zoo
