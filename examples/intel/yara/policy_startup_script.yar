rule Startup_Script_Copies_Program_From_Domain_Policy
{
    meta:
        author = "Perisai authors"
        description = "A startup script that copies a program out of the Default Domain Policy and starts it, as the February 2022 wipers were spread"
        reference = "https://attack.mitre.org/techniques/T1484/001/"
        date = "2022-02-24"
        score = 80

    strings:
        $policy = "\\Policies\\{31B2F340-016D-11D2-945F-00C04FB984F9}\\Machine\\" ascii wide nocase
        $copy = /copy [^\r\n]{0,40}\\\\/ ascii wide nocase
        $start = "start \"\"" ascii wide nocase

    condition:
        filesize < 64KB and all of them
}
