# Completion of zoo for bash: `zoo completion bash` prints this. Put it where bash-completion looks for it,
#     zoo completion bash > ~/.local/share/bash-completion/completions/zoo
# or, without that package, put this line into ~/.bashrc:
#     eval "$(zoo completion bash)"
_zoo() {
    local zoo=${1/#\~\//$HOME/} kind line tail cut IFS=$'\n'
    COMPREPLY=()
    {
        read -r kind && read -r cut || return 0
        cut=${cut#=}
        while read -r line; do COMPREPLY+=("$line"); done
    } < <("$zoo" completion --words bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    case $kind in
        files)
            compopt -o filenames
            if [[ ${#COMPREPLY[@]} == 0 ]]; then
                compopt -o default
            else
                COMPREPLY+=($(compgen -f -- "$cut"))
            fi
            ;;
        paths) compopt -o filenames ;;
    esac
}
complete -F _zoo zoo
