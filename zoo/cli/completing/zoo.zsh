#compdef zoo
# Completion of zoo for zsh: `zoo completion zsh` prints this. Put it into a folder of $fpath, and start zsh anew:
#     zoo completion zsh > ~/.zfunc/_zoo      (with fpath+=~/.zfunc before compinit in ~/.zshrc)
# or put this line into ~/.zshrc, behind compinit:
#     eval "$(zoo completion zsh)"
_zoo() {
    local kind line value about zoo=${(Q)words[1]}
    local -a lines rows open
    zoo=${zoo/#\~\//$HOME/}
    lines=("${(@f)$("$zoo" completion --words zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    kind=$lines[1]
    for line in "${(@)lines[2,-1]}"; do
        value=${line%%$'\t'*} about=
        [[ $line == *$'\t'* ]] && about=${line#*$'\t'}
        value=${value//:/\\:}${about:+:$about}
        if [[ ${line%%$'\t'*} == */ ]]; then open+=("$value"); else rows+=("$value"); fi
    done
    (( $#rows )) && _describe -t values zoo rows
    (( $#open )) && _describe -t folders folder open -S ''
    if [[ $kind == files ]]; then
        compset -P '--*='
        _files
    fi
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _zoo "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _zoo zoo
fi
