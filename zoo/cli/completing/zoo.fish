# Completion of zoo for fish: `zoo completion fish` prints this. Put it where fish looks for it:
#     zoo completion fish > ~/.config/fish/completions/zoo.fish
function __zoo_complete
    set -l words (commandline -xpc 2>/dev/null; or commandline -opc)
    set -l typed (commandline -ct)
    set -l plain (string unescape -- $typed; or string replace -ra '["\'\\\\]' '' -- $typed)
    set -l zoo (string replace -r '^~/' "$HOME/" -- $words[1])
    set -l lines ($zoo completion --words fish $words[2..-1] "$plain" 2>/dev/null)
    for line in $lines[2..-1]
        echo -- $line
    end
    if test "$lines[1]" = files
        set -l option (string match -r '^--[^=]*=' -- $plain)
        set -l begun (string replace -r '^--[^=]*=' '' -- $plain)
        set -l home (string match -r '^~/' -- $begun)
        set -l place (string replace -r '^~/' "$HOME/" -- $begun)
        for path in $place*
            test -d $path; and set path $path/
            test -n "$home"; and set path (string replace -- "$HOME/" '~/' $path)
            echo -- "$option$path"
        end
    end
end
complete -c zoo -f -a '(__zoo_complete)'
